-- contract: A foreign key that is looked up for every row and key of an import; they go with the import without it. The release before
-- goes on, and leaves those of an import that it takes away: nobody reads them.
alter table import_rows drop constraint import_rows_import_id_fkey;
alter table import_keys drop constraint import_keys_import_id_fkey;
update schema_compatibility set oldest_version = 9;
