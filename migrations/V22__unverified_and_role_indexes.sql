-- expand: Who has not verified an address, and who has a role, is found by an index alone.
-- outside a transaction
drop index concurrently if exists emails_unverified_idx;
create index concurrently emails_unverified_idx on emails (user_id) where verified_at is null;
drop index concurrently if exists user_roles_role_name_user_id_idx;
create index concurrently user_roles_role_name_user_id_idx on user_roles (role_name, user_id) include (expires_at);
drop index concurrently if exists user_roles_expires_at_idx;
create index concurrently user_roles_expires_at_idx on user_roles (expires_at) where expires_at is not null;
drop index concurrently if exists user_roles_role_name_idx;
