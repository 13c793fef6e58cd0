-- expand: What is deleted part by part is found by an index, whatever else is in the table. None of these columns changes with a request: the time
-- at which a device was seen last changes with a sign-in on it, and is in an index already.
-- outside a transaction
drop index concurrently if exists sessions_ended_at_idx;
create index concurrently sessions_ended_at_idx on sessions (ended_at) where ended_at is not null;
drop index concurrently if exists mails_created_at_idx;
create index concurrently mails_created_at_idx on mails (created_at);
drop index concurrently if exists pending_emails_expires_at_idx;
create index concurrently pending_emails_expires_at_idx on pending_emails (expires_at);
drop index concurrently if exists devices_last_seen_at_idx;
create index concurrently devices_last_seen_at_idx on devices (last_seen_at);
drop index concurrently if exists trusted_devices_expires_at_idx;
create index concurrently trusted_devices_expires_at_idx on trusted_devices (expires_at);
drop index concurrently if exists api_keys_revoked_at_idx;
create index concurrently api_keys_revoked_at_idx on api_keys (revoked_at) where revoked_at is not null;
drop index concurrently if exists invitations_ended_at_idx;
create index concurrently invitations_ended_at_idx on invitations ((coalesce(accepted_at, revoked_at, expires_at)));
