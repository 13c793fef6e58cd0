-- Rows of every table, as a release may have left them. Kept by hand: a new table needs rows here when the release is cut.
insert into public.users (id, username, status, created_at, updated_at, attributes, deleted_at, purge_after, status_before_deletion)
select
    ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
    'user-' || n,
    case when n % 10 = 0 then 'deleted' when n % 7 = 0 then 'suspended' else 'active' end,
    timestamptz '2026-01-01' + n * interval '1 minute',
    '2026-02-01',
    jsonb_build_object('n', n),
    case when n % 10 = 0 then timestamptz '2026-02-01' end,
    case when n % 10 = 0 then timestamptz '2026-03-01' end,
    case when n % 10 = 0 then 'active' end
from generate_series(1, 200) n;

insert into public.emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
select id, id, username || '@Example.org', username || '@example.org', true, created_at, created_at from public.users;

insert into public.pending_emails (user_id, id, address, address_normal, created_at, expires_at)
select id, id, 'new-' || username || '@example.org', 'new-' || username || '@example.org', created_at, created_at from public.users limit 5;

insert into public.roles (name, description, permissions, built_in, created_at, updated_at)
values ('admin', 'Everything.', '{users:read}', true, '2026-01-01', '2026-01-01'), ('support', '', '{}', false, '2026-01-01', '2026-01-01');

insert into public.user_roles (user_id, role_name, granted_at)
select id, case when username = 'user-1' then 'admin' else 'support' end, created_at from public.users;

insert into public.password_credentials (user_id, hash, changed_at)
select id, '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$' || md5(username), created_at from public.users;

insert into public.devices (id, user_id, token_hash, created_at, last_seen_at, address, user_agent)
select id, id, sha256(username::bytea), created_at, created_at, '192.0.2.1', 'Firefox' from public.users limit 50;

insert into public.sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, ended_at, ended_reason, address, amr, device_id)
select id, user_id, 1, created_at, created_at, '2027-01-01', case when id::text like '%1' then created_at end, null, address, '{pwd}', id
from public.devices;

insert into public.refresh_tokens (token_hash, session_id, created_at, expires_at, used_at, successor)
select sha256(id::text::bytea), id, created_at, expires_at, null, null from public.sessions;

insert into public.one_time_tokens (id, purpose, token_hash, user_id, email_id, created_at, expires_at)
select id, 'verify_email', sha256(id::text::bytea), user_id, id, created_at, '2026-02-01' from public.emails limit 20;

insert into public.signing_keys (kid, algorithm, public_jwk, private_key_sealed, created_at, active_at)
values ('k1', 'EdDSA', '{"kty": "OKP"}', '\x01aabbccdd', '2026-01-01', '2026-01-01');

insert into public.audit_events (id, occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, subject_id, details_hash)
select id, created_at, 'user.created', 'success', 'user', id, 'user', id::text, id, sha256('\x00112233445566778899aabbccddeeff7b7d')
from public.users;

insert into public.audit_details (event_id, salt, content)
select id, '\x00112233445566778899aabbccddeeff', '{}' from public.users;

insert into public.audit_unsealed (event_id)
select id from public.audit_events order by id desc limit 3;

insert into public.audit_leaves (leaf_index, event_id, leaf_hash)
select row_number() over (order by id) - 1, id, sha256(id::text::bytea) from public.audit_events order by id limit 197;

insert into public.audit_checkpoints (tree_size, note, verifier_key, edge, sealed_at)
values (197, 'a note', 'a key', '\x00', '2026-02-01');

insert into public.audit_keys (name, private_key_sealed, created_at)
values ('id.example.org/audit', '\x01aabbccdd', '2026-01-01');

insert into public.jobs (id, kind, payload, run_at, created_at)
select id, 'compose_mail', jsonb_build_object('user_id', id), created_at, created_at from public.users limit 7;

insert into public.mails (id, user_id, template, recipient, subject, body_sealed, status, created_at)
select id, user_id, 'welcome', address, 'Welcome', '\x01aabbccdd', 'queued', created_at from public.emails limit 7;

insert into public.idempotency_keys (scope, key, request_hash, body_sealed, created_at, expires_at)
values ('a', 'b', '\x00', '\x01aabbccdd', '2026-01-01', '2026-01-02');

insert into public.rate_limits (key, filled_until)
values ('network:192.0.2.0/24', '2026-01-01');

insert into public.service_accounts (id, name, description, permissions, created_at, updated_at)
values ('00000000-0000-7000-9000-000000000001', 'nightly', '', '{users:read}', '2026-01-01', '2026-01-01');

insert into public.api_keys (id, user_id, service_account_id, name, prefix, key_hash, permissions, auth_epoch, created_at, expires_at)
select id, id, null, 'script', 'ush_key_abc', sha256(username::bytea), '{}', 1, created_at, timestamptz '2027-01-01' from public.users limit 5;

insert into public.api_keys (id, user_id, service_account_id, name, prefix, key_hash, permissions, auth_epoch, created_at, expires_at)
select id, null, id, 'report', 'ush_key_def', sha256(name::bytea), '{}', null, created_at, timestamptz '2027-01-01' from public.service_accounts;

insert into public.attempts (authenticator, subject, device_id, charged, failed, last_attempt_at)
select 'password', id::text, '00000000-0000-0000-0000-000000000000', 2, 1, created_at from public.users limit 5;
