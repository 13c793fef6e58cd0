-- expand: Who begins runs in bulk is known of those that were there, too.
alter table bulk_runs validate constraint bulk_runs_actor_kind_check;
