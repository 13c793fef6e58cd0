-- contract: A foreign key that is looked up for every user of a run in bulk; the items go before the run, and with it, without it. The
-- release before goes on: it deletes the items of a run before the run, too.
alter table bulk_items drop constraint bulk_items_run_id_fkey;
update schema_compatibility set oldest_version = 9;
