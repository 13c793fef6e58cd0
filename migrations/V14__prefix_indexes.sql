-- expand: What begins with a text is found by an index, whatever the collation of the database.
-- outside a transaction
drop index concurrently if exists users_username_normal_prefix_idx;
create index concurrently users_username_normal_prefix_idx on users (username_normal text_pattern_ops);
drop index concurrently if exists emails_address_normal_prefix_idx;
create index concurrently emails_address_normal_prefix_idx on emails (address_normal text_pattern_ops);
drop index concurrently if exists users_status_idx;
create index concurrently users_status_idx on users (status, created_at, id) where status <> 'active';
