-- expand: Change sets and the history of a user are found by indexes.
-- outside a transaction
drop index concurrently if exists audit_events_change_heads_idx;
create index concurrently audit_events_change_heads_idx on audit_events (id) where change_id = id;
drop index concurrently if exists audit_events_change_id_idx;
create index concurrently audit_events_change_id_idx on audit_events (change_id, id) where change_id <> id;
