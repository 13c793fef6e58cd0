-- usher 0.1.0, schema version 9
-- Written by `cargo xtask gen --release`.

-- crates/usher/src/api_keys/store.rs
insert into api_keys (
id, user_id, service_account_id, name, prefix, key_hash, permissions, auth_epoch, created_at, expires_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- crates/usher/src/api_keys/store.rs
select count(*)
from api_keys k
left join users u on u.id = k.user_id
where (k.user_id = $1 or k.service_account_id = $2)
and k.revoked_at is null
and k.expires_at > $3
and k.auth_epoch is not distinct from u.auth_epoch;

-- crates/usher/src/api_keys/store.rs
select
k.id, k.name, k.prefix, k.permissions, k.created_at, k.expires_at, k.last_used_at, k.last_used_address
from api_keys k
left join users u on u.id = k.user_id
where (k.user_id = $1 or k.service_account_id = $2)
and k.revoked_at is null
and k.expires_at > $3
and k.auth_epoch is not distinct from u.auth_epoch
and ($4::uuid is null or k.id < $4)
order by k.id desc
limit $5;

-- crates/usher/src/api_keys/store.rs
update api_keys k
set revoked_at = $4
where k.id = $1
and (k.user_id = $2 or k.service_account_id = $3)
and k.revoked_at is null
and k.expires_at > $4
and k.auth_epoch is not distinct from (select u.auth_epoch from users u where u.id = k.user_id);

-- crates/usher/src/api_keys/store.rs
update api_keys
set last_used_at = $2, last_used_address = $3
where id = $1 and (last_used_at is null or last_used_at < $2);

-- crates/usher/src/api_keys/store.rs
delete from api_keys where expires_at < $1 or revoked_at < $1;

-- crates/usher/src/attempts/store.rs
insert into attempts as a (authenticator, subject, device_id, charged, last_attempt_at)
select $1, $2, $3, 1, $4
where $3 = '00000000-0000-0000-0000-000000000000'::uuid
or not exists (
select from attempts o
where o.authenticator = $1 and o.subject = $2
and o.device_id = '00000000-0000-0000-0000-000000000000'::uuid and o.failed_in_a_row >= $6
)
on conflict (authenticator, subject, device_id) do update
set charged = case
when a.locked_until <= $4 then 1
when a.last_attempt_at < $4 - interval '1 minute' then a.failed + 1
else a.charged + 1
end,
failed = case when a.locked_until <= $4 then 0 else a.failed end,
locked_until = null,
last_attempt_at = $4
where a.disabled_at is null
and (a.locked_until is null or a.locked_until <= $4)
and (
a.charged < $5
or a.locked_until <= $4
or (a.last_attempt_at < $4 - interval '1 minute' and a.failed < $5)
)
returning true;

-- crates/usher/src/attempts/store.rs
select disabled_at is not null as disabled, locked_until, charged > failed as in_flight
from attempts
where authenticator = $1 and subject = $2 and device_id = $3;

-- crates/usher/src/attempts/store.rs
update attempts
set charged = greatest(charged - failed - (device_id = $3)::integer, 0),
failed = 0,
failed_in_a_row = 0,
lockouts = 0,
locked_until = null
where authenticator = $1 and subject = $2
and (device_id = $3 or device_id = '00000000-0000-0000-0000-000000000000'::uuid);

-- crates/usher/src/attempts/store.rs
update attempts
set charged = greatest(charged - 1, failed)
where authenticator = $1 and subject = $2 and device_id = $3;

-- crates/usher/src/attempts/store.rs
update attempts
set failed = failed + 1,
charged = greatest(charged, failed + 1),
failed_in_a_row = failed_in_a_row + 1,
lockouts = lockouts + case when failed + 1 >= $5 then 1 else 0 end,
locked_until = case
when failed + 1 >= $5
then $4::timestamptz + least(interval '15 minutes' * power(2, least(lockouts, 10)), interval '24 hours')
else locked_until
end,
disabled_at = case when failed_in_a_row + 1 >= $6 then coalesce(disabled_at, $4) else disabled_at end
where authenticator = $1 and subject = $2 and device_id = $3
returning locked_until, disabled_at is not null as disabled;

-- crates/usher/src/attempts/store.rs
update attempts
set failed = failed + 1,
charged = greatest(charged, failed + 1),
disabled_at = case when failed + 1 >= $5 then coalesce(disabled_at, $4) else disabled_at end
where authenticator = $1 and subject = $2 and device_id = $3;

-- crates/usher/src/attempts/store.rs
insert into attempts as a (authenticator, subject, device_id, charged, failed_in_a_row, last_attempt_at)
values ($1, $2, '00000000-0000-0000-0000-000000000000'::uuid, 0, 1, $3)
on conflict (authenticator, subject, device_id) do update
set failed_in_a_row = a.failed_in_a_row + 1;

-- crates/usher/src/attempts/store.rs
insert into attempts as a (authenticator, subject, device_id, charged, disabled_at, last_attempt_at)
values ($1, $2, '00000000-0000-0000-0000-000000000000'::uuid, 0, $3, $3)
on conflict (authenticator, subject, device_id) do update
set disabled_at = coalesce(a.disabled_at, $3);

-- crates/usher/src/attempts/store.rs
delete from attempts where authenticator = $1 and subject = $2;

-- crates/usher/src/attempts/store.rs
delete from attempts where last_attempt_at < $1 and disabled_at is null;

-- crates/usher/src/audit/log/store.rs
select pg_try_advisory_xact_lock($1);

-- crates/usher/src/audit/log/store.rs
with taken as (
delete from audit_unsealed
where (xid, event_id) in (
select u.xid, u.event_id
from audit_unsealed u
join audit_events e on e.id = u.event_id
where u.xid < pg_snapshot_xmin(pg_current_snapshot()) or u.xid >= pg_snapshot_xmax(pg_current_snapshot())
order by u.xid, u.event_id
limit $1
)
returning xid, event_id
)
select e.*
from taken t
join audit_events e on e.id = t.event_id
order by t.xid, t.event_id;

-- crates/usher/src/audit/log/store.rs
insert into audit_leaves (leaf_index, event_id, leaf_hash)
select $1 + leaf.place - 1, leaf.event_id, leaf.leaf_hash
from unnest($2::uuid[], $3::bytea[]) with ordinality as leaf (event_id, leaf_hash, place);

-- crates/usher/src/audit/log/store.rs
insert into audit_checkpoints (tree_size, note, verifier_key, edge, sealed_at)
values ($1, $2, $3, $4, $5);

-- crates/usher/src/audit/log/store.rs
select tree_size, note, verifier_key, edge, sealed_at
from audit_checkpoints
order by tree_size desc
limit 1;

-- crates/usher/src/audit/log/store.rs
select tree_size, note, verifier_key, edge, sealed_at
from audit_checkpoints
where tree_size <= $1
order by tree_size desc
limit 1;

-- crates/usher/src/audit/log/store.rs
select tree_size, note, verifier_key, edge, sealed_at
from audit_checkpoints
where tree_size > $1 and tree_size <= $2
order by tree_size
limit $3;

-- crates/usher/src/audit/log/store.rs
select l.leaf_index, l.event_id, l.leaf_hash, e.*, d.salt, d.content,
case when d.event_id is null then
(e.actor_id is not null and not exists (select from users u where u.id = e.actor_id))
or (e.subject_id is not null and not exists (select from users u where u.id = e.subject_id))
else false end as may_be_erased
from audit_leaves l
left join audit_events e on e.id = l.event_id
left join audit_details d on d.event_id = l.event_id
where l.leaf_index >= $1 and l.leaf_index < $2
order by l.leaf_index
limit $3;

-- crates/usher/src/audit/log/store.rs
select
(select coalesce(max(leaf_index) + 1, 0) from audit_leaves),
(select coalesce(max(tree_size), 0) from audit_checkpoints);

-- crates/usher/src/audit/log/store.rs
select e.id
from audit_events e
where not exists (select from audit_leaves l where l.event_id = e.id)
and not exists (select from audit_unsealed u where u.event_id = e.id)
limit 1;

-- crates/usher/src/audit/log/store.rs
select u.event_id
from audit_unsealed u
where not exists (select from audit_events e where e.id = u.event_id)
limit 1;

-- crates/usher/src/audit/log/store.rs
select
coalesce((select max(tree_size) from audit_checkpoints), 0) as sealed,
(select count(*) from audit_unsealed) as waiting,
(select event_id from audit_unsealed order by xid, event_id limit 1) as first_waiting;

-- crates/usher/src/audit/log/store.rs
lock table audit_keys in share row exclusive mode;

-- crates/usher/src/audit/log/store.rs
select name, private_key_sealed
from audit_keys
order by created_at desc
limit 1;

-- crates/usher/src/audit/log/store.rs
insert into audit_keys (name, private_key_sealed, created_at)
values ($1, $2, $3);

-- crates/usher/src/audit/log/store.rs
select name, private_key_sealed
from audit_keys
where substring(private_key_sealed for 5) <> $1
for update;

-- crates/usher/src/audit/log/store.rs
update audit_keys
set private_key_sealed = $3
where name = $1 and private_key_sealed = $2;

-- crates/usher/src/audit/log/store.rs
select substring(private_key_sealed for 5) as mark, count(*)
from audit_keys
group by mark;

-- crates/usher/src/audit/store.rs
with event as (
insert into audit_events (
id, occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, subject_id, request_id, details_hash
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
),
details as (
insert into audit_details (event_id, salt, content)
values ($1, $12, $13)
)
insert into audit_unsealed (event_id)
values ($1);

-- crates/usher/src/audit/store.rs
delete from audit_details
where event_id in (
select d.event_id
from audit_events e
join audit_details d on d.event_id = e.id
where e.actor_id = $1
union
select d.event_id
from audit_events e
join audit_details d on d.event_id = e.id
where e.subject_id = $1
limit $2
);

-- crates/usher/src/audit/store.rs
select e.id, e.occurred_at, e.action, e.outcome, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.request_id,
d.content
from audit_events e
left join audit_details d on d.event_id = e.id
where ($1::uuid is null or e.id < $1)
and ($2::uuid is null or e.actor_id = $2)
and ($3::text is null or e.target_id = $3)
and ($4::text is null or e.action = $4)
order by e.id desc
limit $5;

-- crates/usher/src/caller/store.rs
select
s.id,
s.auth_epoch as session_epoch,
s.created_at as began_at,
s.expires_at,
s.ended_at,
u.id as user_id,
u.status,
coalesce(u.deleted_by = u.id, false) as deleted_by_self,
u.locked_until,
u.auth_epoch,
exists (
select from emails e
where e.user_id = u.id and e.is_primary and e.verified_at is not null
) as email_verified,
array(
select unnest(r.permissions)
from user_roles ur
join roles r on r.name = ur.role_name
where ur.user_id = u.id
) as permissions
from sessions s
join users u on u.id = s.user_id
where s.id = any($1);

-- crates/usher/src/caller/store.rs
select
u.status,
coalesce(u.deleted_by = u.id, false) as deleted_by_self,
u.locked_until,
u.auth_epoch,
exists (
select from emails e
where e.user_id = u.id and e.is_primary and e.verified_at is not null
) as email_verified,
array(
select unnest(r.permissions)
from user_roles ur
join roles r on r.name = ur.role_name
where ur.user_id = u.id
) as permissions
from users u
where u.id = $1;

-- crates/usher/src/caller/store.rs
select
k.id,
k.auth_epoch as key_epoch,
k.expires_at,
k.revoked_at,
k.last_used_at,
k.permissions as granted,
u.id as user_id,
s.id as service_account_id,
coalesce(u.status, s.status) as status,
coalesce(u.deleted_by = u.id, false) as deleted_by_self,
u.locked_until,
coalesce(u.auth_epoch, 0) as auth_epoch,
s.id is not null or exists (
select from emails e
where e.user_id = u.id and e.is_primary and e.verified_at is not null
) as email_verified,
coalesce(
s.permissions,
array(
select unnest(r.permissions)
from user_roles ur
join roles r on r.name = ur.role_name
where ur.user_id = u.id
)
) as permissions
from api_keys k
left join users u on u.id = k.user_id
left join service_accounts s on s.id = k.service_account_id
where k.key_hash = $1;

-- crates/usher/src/devices/store.rs
select id
from devices
where token_hash = $1 and user_id = $2;

-- crates/usher/src/devices/store.rs
update devices
set last_seen_at = $2, address = coalesce($3, address), user_agent = coalesce($4, user_agent)
where id = $1;

-- crates/usher/src/devices/store.rs
select address, user_agent
from devices
where user_id = $1
order by last_seen_at desc
limit 50;

-- crates/usher/src/devices/store.rs
insert into devices (id, user_id, token_hash, created_at, last_seen_at, address, user_agent)
values ($1, $2, $3, $4, $4, $5, $6);

-- crates/usher/src/devices/store.rs
delete from devices
where id in (
select id
from devices
where user_id = $1 and id <> $2
order by last_seen_at desc, id desc
offset $3
);

-- crates/usher/src/devices/store.rs
delete from devices where user_id = $1;

-- crates/usher/src/devices/store.rs
delete from devices where last_seen_at < $1;

-- crates/usher/src/emails/store.rs
insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
values ($1, $2, $3, $4, true, $5, $6);

-- crates/usher/src/emails/store.rs
insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
values ($1, $2, $3, $4, false, $5, $5);

-- crates/usher/src/emails/store.rs
update emails set is_primary = false where user_id = $1 and is_primary;

-- crates/usher/src/emails/store.rs
update emails
set is_primary = true
where id = $2 and user_id = $1 and verified_at is not null;

-- crates/usher/src/emails/store.rs
delete from emails where id = $2 and user_id = $1 and not is_primary;

-- crates/usher/src/emails/store.rs
insert into pending_emails (user_id, id, address, address_normal, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (user_id) do update
set id = excluded.id,
address = excluded.address,
address_normal = excluded.address_normal,
created_at = excluded.created_at,
expires_at = excluded.expires_at;

-- crates/usher/src/emails/store.rs
select id, address, created_at, expires_at
from pending_emails
where user_id = $1 and expires_at > $2;

-- crates/usher/src/emails/store.rs
delete from pending_emails
where user_id = $1 and id = $2 and expires_at > $3
returning address;

-- crates/usher/src/emails/store.rs
delete from pending_emails where user_id = $1;

-- crates/usher/src/emails/store.rs
delete from pending_emails where expires_at <= $1;

-- crates/usher/src/emails/store.rs
select pg_advisory_xact_lock(hashtextextended('address ' || $1, 0));

-- crates/usher/src/emails/store.rs
update emails
set address = $2
where address_normal = $1 and verified_at is null;

-- crates/usher/src/emails/store.rs
select id, user_id, address, verified_at is not null as verified
from emails
where address_normal = $1;

-- crates/usher/src/emails/store.rs
select id, user_id, address, verified_at is not null as verified
from emails
where user_id = $1 and is_primary;

-- crates/usher/src/emails/store.rs
update emails set verified_at = coalesce(verified_at, $2) where id = $1;

-- crates/usher/src/http/idempotency/store.rs
select pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0));

-- crates/usher/src/http/idempotency/store.rs
select request_hash, body_sealed
from idempotency_keys
where scope = $1 and key = $2 and expires_at > $3;

-- crates/usher/src/http/idempotency/store.rs
insert into idempotency_keys (scope, key, request_hash, body_sealed, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (scope, key) do update
set request_hash = excluded.request_hash,
body_sealed = excluded.body_sealed,
created_at = excluded.created_at,
expires_at = excluded.expires_at;

-- crates/usher/src/http/idempotency/store.rs
delete from idempotency_keys where expires_at <= $1;

-- crates/usher/src/http/idempotency/store.rs
select scope, key, body_sealed
from idempotency_keys
where (scope, key) > ($2, $3) and substring(body_sealed for 5) <> $1
order by scope, key
limit $4;

-- crates/usher/src/http/idempotency/store.rs
update idempotency_keys
set body_sealed = $4, request_hash = ''
where scope = $1 and key = $2 and body_sealed = $3;

-- crates/usher/src/http/idempotency/store.rs
select substring(body_sealed for 5) as mark, count(*)
from idempotency_keys
group by mark;

-- crates/usher/src/jobs/store.rs
with added as (
insert into jobs (id, kind, payload, run_at, created_at)
values ($1, $2, $3, $4, $4)
)
select pg_notify('usher_jobs', '');

-- crates/usher/src/jobs/store.rs
insert into jobs (id, kind, payload, unique_key, run_at, created_at)
values ($1, $2, '{}', $2, $3, $4)
on conflict (unique_key) do nothing;

-- crates/usher/src/jobs/store.rs
update jobs
set claimed_until = $2, attempts = attempts + 1
where id in (
select id
from jobs
where dead_at is null and run_at <= $1 and (claimed_until is null or claimed_until <= $1)
order by run_at
limit $3
for update skip locked
)
returning id, kind, payload, attempts, unique_key is not null as is_periodic;

-- crates/usher/src/jobs/store.rs
delete from jobs where id = $1 and attempts = $2;

-- crates/usher/src/jobs/store.rs
update jobs
set run_at = $2, attempts = 0, claimed_until = null, last_error = null
where id = $1 and attempts = $3;

-- crates/usher/src/jobs/store.rs
update jobs
set run_at = $2, claimed_until = null, last_error = $3
where id = $1 and attempts = $4;

-- crates/usher/src/jobs/store.rs
update jobs
set dead_at = $2, claimed_until = null, unique_key = null, last_error = $3
where id = $1 and attempts = $4;

-- crates/usher/src/jobs/store.rs
select count(*) filter (where dead_at is null and unique_key is null), count(*) filter (where dead_at is not null)
from jobs;

-- crates/usher/src/keys/store.rs
lock table signing_keys in share row exclusive mode;

-- crates/usher/src/keys/store.rs
select kid, algorithm, public_jwk, private_key_sealed, created_at, active_at, retired_at, expires_at
from signing_keys
order by active_at desc;

-- crates/usher/src/keys/store.rs
insert into signing_keys (kid, algorithm, public_jwk, private_key_sealed, created_at, active_at)
values ($1, $2, $3, $4, $5, $6);

-- crates/usher/src/keys/store.rs
update signing_keys
set retired_at = least(retired_at, $2), expires_at = least(expires_at, $3)
where kid <> $1 and (retired_at is null or retired_at > $2);

-- crates/usher/src/keys/store.rs
update signing_keys
set private_key_sealed = ''
where expires_at <= $1 and private_key_sealed <> ''
returning kid;

-- crates/usher/src/keys/store.rs
delete from signing_keys where expires_at < $1;

-- crates/usher/src/keys/store.rs
select kid, private_key_sealed
from signing_keys
where private_key_sealed <> '' and substring(private_key_sealed for 5) <> $1;

-- crates/usher/src/keys/store.rs
update signing_keys
set private_key_sealed = $3
where kid = $1 and private_key_sealed = $2;

-- crates/usher/src/keys/store.rs
select substring(private_key_sealed for 5) as mark, count(*)
from signing_keys
where private_key_sealed <> ''
group by mark;

-- crates/usher/src/keys/store.rs
select pg_notify('usher_keys', '');

-- crates/usher/src/mails/store.rs
select coalesce(u.display_name, u.given_name, '') as name, e.address, u.id as user_id, e.id as email_id
from users u
join emails e on e.user_id = u.id and e.is_primary
where u.id = $1 and u.status <> 'deleted' and not ($2 and u.status = 'suspended')
for share of u;

-- crates/usher/src/mails/store.rs
select coalesce(display_name, given_name, '') as name
from users
where id = $1 and status <> 'deleted';

-- crates/usher/src/mails/store.rs
select p.id, p.address
from users u
join pending_emails p on p.user_id = u.id
where u.id = $1 and u.status = 'active' and p.expires_at > $2
for share of u;

-- crates/usher/src/mails/store.rs
select coalesce(u.display_name, u.given_name, '') as name, e.address, u.id as user_id, e.id as email_id
from pending_emails p
join emails e on e.address_normal = p.address_normal and e.verified_at is not null
join users u on u.id = e.user_id
where p.user_id = $1 and u.status <> 'deleted';

-- crates/usher/src/mails/store.rs
select coalesce(u.display_name, u.given_name, '') as name, e.address, u.id as user_id, e.id as email_id
from users u
join emails e on e.user_id = u.id and e.is_primary
where u.id = $1 and u.status = 'deleted' and u.deleted_by = u.id
for share of u;

-- crates/usher/src/mails/store.rs
insert into mails (id, user_id, template, recipient, subject, body_sealed, status, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- crates/usher/src/mails/store.rs
select id, user_id, template, recipient, subject, status, attempts, last_error, created_at, sent_at
from mails
order by id desc
limit $1;

-- crates/usher/src/mails/store.rs
select id, user_id, template, recipient, subject, status, attempts, last_error, created_at, sent_at, body_sealed
from mails
where id = $1;

-- crates/usher/src/mails/store.rs
update mails
set status = 'queued', attempts = 0, last_error = null
where status in ('held', 'failed') and ($1::uuid is null or id = $1)
returning id;

-- crates/usher/src/mails/store.rs
update mails
set status = 'sent', sent_at = $2, body_sealed = null, attempts = attempts + 1, last_error = null
where id = $1 and status <> 'sent';

-- crates/usher/src/mails/store.rs
update mails
set attempts = attempts + 1, last_error = $2, status = case when $3 then 'failed' else status end
where id = $1;

-- crates/usher/src/mails/store.rs
select count(*) filter (where status = 'held'), count(*) filter (where status = 'failed')
from mails
where status <> 'sent';

-- crates/usher/src/mails/store.rs
select id, body_sealed
from mails
where id > $2 and substring(body_sealed for 5) <> $1
order by id
limit $3;

-- crates/usher/src/mails/store.rs
update mails
set body_sealed = $3
where id = $1 and body_sealed = $2;

-- crates/usher/src/mails/store.rs
select substring(body_sealed for 5) as mark, count(*)
from mails
where body_sealed is not null
group by mark;

-- crates/usher/src/mails/store.rs
delete from mails where created_at < $1;

-- crates/usher/src/one_time_tokens/store.rs
insert into one_time_tokens (id, purpose, token_hash, user_id, email_id, pending_email_id, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- crates/usher/src/one_time_tokens/store.rs
update one_time_tokens
set used_at = $3
where purpose = $1 and token_hash = $2 and used_at is null and expires_at > $3
returning user_id, email_id, pending_email_id;

-- crates/usher/src/one_time_tokens/store.rs
update one_time_tokens
set tries = tries + 1
where purpose = $1 and token_hash = $2 and used_at is null and expires_at > $3 and tries < $4
returning user_id;

-- crates/usher/src/one_time_tokens/store.rs
update one_time_tokens
set tries = greatest(tries - 1, 0)
where purpose = $1 and token_hash = $2;

-- crates/usher/src/one_time_tokens/store.rs
select user_id
from one_time_tokens
where purpose = $1 and token_hash = $2 and used_at is null and expires_at > $3;

-- crates/usher/src/one_time_tokens/store.rs
select pg_advisory_xact_lock(hashtextextended('one_time_tokens ' || $1 || ' ' || $2, 0));

-- crates/usher/src/one_time_tokens/store.rs
update one_time_tokens
set used_at = $3
where purpose = $1 and user_id is not distinct from $2 and used_at is null;

-- crates/usher/src/one_time_tokens/store.rs
update one_time_tokens
set used_at = $2
where user_id = $1 and used_at is null;

-- crates/usher/src/one_time_tokens/store.rs
delete from one_time_tokens where expires_at < $1;

-- crates/usher/src/password/store.rs
insert into password_credentials (user_id, hash, changed_at)
values ($1, $2, $3)
on conflict (user_id) do update
set hash = excluded.hash, changed_at = excluded.changed_at;

-- crates/usher/src/password/store.rs
select hash
from password_credentials
where user_id = $1;

-- crates/usher/src/password/store.rs
select changed_at
from password_credentials
where user_id = $1;

-- crates/usher/src/password/store.rs
insert into password_credentials (user_id, hash, changed_at)
values ($1, $2, $3)
on conflict (user_id) do nothing;

-- crates/usher/src/password/store.rs
update password_credentials
set hash = $3, changed_at = $4
where user_id = $1 and hash = $2;

-- crates/usher/src/password/store.rs
update password_credentials
set hash = $3
where user_id = $1 and hash = $2;

-- crates/usher/src/recovery/store.rs
select e.user_id
from emails e
join users u on u.id = e.user_id
where e.address_normal = $1 and e.is_primary and u.status in ('active', 'pending');

-- crates/usher/src/roles/store.rs
insert into roles (name, description, permissions, built_in, created_at, updated_at)
values ($1, $2, $3, true, $4, $4)
on conflict (name) do update
set description = excluded.description,
permissions = excluded.permissions,
built_in = true,
version = roles.version + 1,
updated_at = excluded.updated_at
where (roles.description, roles.permissions, roles.built_in) is distinct from (excluded.description, excluded.permissions, true);

-- crates/usher/src/roles/store.rs
select name, description, permissions, built_in, version, created_at, updated_at
from roles
order by built_in desc, name;

-- crates/usher/src/roles/store.rs
select name, description, permissions, built_in, version, created_at, updated_at
from roles
where name = any($1);

-- crates/usher/src/roles/store.rs
select name from roles where name = $1 for update;

-- crates/usher/src/roles/store.rs
insert into roles (name, description, permissions, created_at, updated_at)
values ($1, $2, $3, $4, $4);

-- crates/usher/src/roles/store.rs
update roles
set description = $2, permissions = $3, version = version + 1, updated_at = $4
where name = $1;

-- crates/usher/src/roles/store.rs
delete from roles where name = $1;

-- crates/usher/src/roles/store.rs
select r.name, r.description, r.permissions, r.built_in, r.version, r.created_at, r.updated_at
from user_roles ur
join roles r on r.name = ur.role_name
where ur.user_id = $1;

-- crates/usher/src/roles/store.rs
delete from user_roles where user_id = $1 and role_name <> all($2);

-- crates/usher/src/roles/store.rs
insert into user_roles (user_id, role_name, granted_at, granted_by)
select $1, name, $3, $4
from unnest($2::text[]) as name
on conflict (user_id, role_name) do nothing;

-- crates/usher/src/roles/store.rs
select exists (
select
from user_roles ur
join users u on u.id = ur.user_id
where ur.role_name = 'admin' and u.status = 'active'
);

-- crates/usher/src/roles/store.rs
select exists (
select
from user_roles
where role_name = 'admin'
);

-- crates/usher/src/service_accounts/store.rs
insert into service_accounts (id, name, description, permissions, created_at, updated_at)
values ($1, $2, $3, $4, $5, $5);

-- crates/usher/src/service_accounts/store.rs
select id, name, description, status, permissions, version, created_at, updated_at
from service_accounts
where permissions <@ $1 and ($2::uuid is null or id < $2)
order by id desc
limit $3;

-- crates/usher/src/service_accounts/store.rs
select id, name, description, status, permissions, version, created_at, updated_at
from service_accounts
where id = $1;

-- crates/usher/src/service_accounts/store.rs
select id from service_accounts where name = $1;

-- crates/usher/src/service_accounts/store.rs
select from service_accounts where id = $1 for no key update;

-- crates/usher/src/service_accounts/store.rs
update service_accounts
set name = $2, description = $3, permissions = $4, version = version + 1, updated_at = $5
where id = $1;

-- crates/usher/src/service_accounts/store.rs
update service_accounts
set status = $2, version = version + 1, updated_at = $3
where id = $1;

-- crates/usher/src/service_accounts/store.rs
delete from service_accounts where id = $1;

-- crates/usher/src/sessions/store.rs
select s.id, s.address, s.user_agent, s.amr, s.created_at, s.last_seen_at, s.expires_at
from sessions s
join users u on u.id = s.user_id and u.auth_epoch = s.auth_epoch
where s.user_id = $1
and s.ended_at is null
and s.expires_at > $2
and ($3::uuid is null or s.id < $3)
and exists (
select
from refresh_tokens r
where r.session_id = s.id and r.used_at is null and r.expires_at > $2
)
order by s.id desc
limit $4;

-- crates/usher/src/sessions/store.rs
update sessions s
set ended_at = $3, ended_reason = $4
from users u
where s.id = $2
and s.user_id = $1
and u.id = s.user_id
and u.auth_epoch = s.auth_epoch
and s.ended_at is null
and s.expires_at > $3;

-- crates/usher/src/sessions/store.rs
update sessions
set ended_at = $3, ended_reason = $4
where user_id = $1 and id <> $2 and ended_at is null;

-- crates/usher/src/sessions/store.rs
insert into sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, address, user_agent, amr, device_id)
values ($1, $2, $3, $4, $4, $5, $6, $7, $8, (select id from devices where id = $9 for key share));

-- crates/usher/src/sessions/store.rs
select device_id from sessions where id = $1;

-- crates/usher/src/sessions/store.rs
select amr from sessions where id = $1;

-- crates/usher/src/sessions/store.rs
update refresh_tokens
set used_at = $2
where token_hash = $1 and used_at is null and expires_at > $2
returning session_id;

-- crates/usher/src/sessions/store.rs
select session_id
from refresh_tokens
where token_hash = $1 and used_at is null;

-- crates/usher/src/sessions/store.rs
select s.id, s.user_id
from refresh_tokens t
join sessions s on s.id = t.session_id
where t.token_hash = $1 and t.used_at is not null;

-- crates/usher/src/sessions/store.rs
select id, user_id, auth_epoch, created_at, expires_at, ended_at
from sessions
where id = $1
for update;

-- crates/usher/src/sessions/store.rs
update sessions set last_seen_at = $2, address = coalesce($3, address) where id = $1;

-- crates/usher/src/sessions/store.rs
with added as (
insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
values ($1, $2, $3, $4)
)
select s.id, s.created_at, s.amr,
array(select ur.role_name from user_roles ur where ur.user_id = s.user_id order by ur.role_name) as roles
from sessions s
where s.id = $2;

-- crates/usher/src/sessions/store.rs
select s.id, s.created_at, s.amr,
array(select ur.role_name from user_roles ur where ur.user_id = s.user_id order by ur.role_name) as roles
from sessions s
where s.id = $1;

-- crates/usher/src/sessions/store.rs
select r.session_id, r.successor, s.address, s.user_agent
from refresh_tokens r
join sessions s on s.id = r.session_id
where r.token_hash = $1 and r.used_at >= $2 and r.successor is not null;

-- crates/usher/src/sessions/store.rs
select expires_at
from refresh_tokens
where token_hash = $1 and used_at is null and expires_at > $2
for update;

-- crates/usher/src/sessions/store.rs
update refresh_tokens set successor = $2 where token_hash = $1;

-- crates/usher/src/sessions/store.rs
update sessions
set ended_at = $2, ended_reason = $3
where id = $1 and ended_at is null
returning user_id;

-- crates/usher/src/sessions/store.rs
delete from sessions where expires_at < $1 or ended_at < $1;

-- crates/usher/src/sign_in/store.rs
select p.hash, u.auth_epoch
from users u
left join password_credentials p on p.user_id = u.id
where u.id = $1;

-- crates/usher/src/sign_in/store.rs
select user_id as id
from emails
where address_normal = $1
union all
select id
from users
where username_normal = lower($2);

-- crates/usher/src/throttle/store.rs
insert into rate_limits (key, filled_until)
values ($1, $2::timestamptz + $3::float8 * interval '1 second')
on conflict (key) do update
set filled_until = greatest(rate_limits.filled_until, $2::timestamptz) + $3::float8 * interval '1 second'
where greatest(rate_limits.filled_until, $2::timestamptz) + $3::float8 * interval '1 second'
<= $2::timestamptz + ($4::float8 + 0.000001) * interval '1 second'
returning filled_until;

-- crates/usher/src/throttle/store.rs
select filled_until from rate_limits where key = $1;

-- crates/usher/src/throttle/store.rs
update rate_limits
set filled_until = filled_until - $2::float8 * interval '1 second'
where key = $1;

-- crates/usher/src/throttle/store.rs
delete from rate_limits where filled_until < $1;

-- crates/usher/src/users/store.rs
select
u.id, u.username, u.status, u.locked_until, u.given_name, u.family_name, u.display_name, u.bio, u.picture_url, u.website_url,
u.github_url, u.linkedin_url, u.locale, u.time_zone, u.professional_at, u.attributes, u.version, u.created_at, u.updated_at,
u.last_sign_in_at, u.deleted_at,
(
select coalesce(
jsonb_agg(
jsonb_build_object('id', e.id, 'address', e.address, 'primary', e.is_primary, 'verified_at', e.verified_at)
order by e.is_primary desc, e.created_at, e.id
),
'[]'
)
from emails e
where e.user_id = u.id
) as emails,
array(select ur.role_name from user_roles ur where ur.user_id = u.id order by ur.role_name) as roles,
array(
select unnest(r.permissions)
from user_roles ur
join roles r on r.name = ur.role_name
where ur.user_id = u.id
) as permissions
from users u
where u.id = any($1);

-- crates/usher/src/users/store.rs
insert into users (
id, username, status, given_name, family_name, display_name, bio, picture_url, website_url, github_url, linkedin_url,
locale, time_zone, attributes, created_at, updated_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
on conflict (username_normal) do nothing;

-- crates/usher/src/users/store.rs
select id
from users
where username_normal = lower($1);

-- crates/usher/src/users/store.rs
select id from users where id = $1 for no key update;

-- crates/usher/src/users/store.rs
update users
set username = $2, given_name = $3, family_name = $4, display_name = $5, bio = $6, picture_url = $7, website_url = $8,
github_url = $9, linkedin_url = $10, locale = $11, time_zone = $12, attributes = $13, version = version + 1,
updated_at = $14
where id = $1;

-- crates/usher/src/users/store.rs
update users set version = version + 1, updated_at = $2 where id = $1;

-- crates/usher/src/users/store.rs
update users
set professional_at = $2, version = version + 1, updated_at = $3
where id = $1;

-- crates/usher/src/users/store.rs
update users
set status = $2, auth_epoch = auth_epoch + case when $3 then 1 else 0 end, version = version + 1, updated_at = $4
where id = $1;

-- crates/usher/src/users/store.rs
update users
set status_before_deletion = status, status = 'deleted', deleted_at = $2, deleted_by = $4, purge_after = $3,
auth_epoch = auth_epoch + 1, version = version + 1, updated_at = $2
where id = $1 and status <> 'deleted';

-- crates/usher/src/users/store.rs
update users
set deleted_by = $2
where id = $1 and status = 'deleted' and deleted_by = id and $2 is distinct from id;

-- crates/usher/src/users/store.rs
update users
set status = status_before_deletion, status_before_deletion = null, deleted_at = null, deleted_by = null,
purge_after = null, version = version + 1, updated_at = $2
where id = $1 and status = 'deleted';

-- crates/usher/src/users/store.rs
update users
set locked_until = $2, version = version + 1, updated_at = $3
where id = $1;

-- crates/usher/src/users/store.rs
update users set last_sign_in_at = $2, locked_until = null where id = $1;

-- crates/usher/src/users/store.rs
update users set auth_epoch = auth_epoch + 1 where id = $1;

-- crates/usher/src/users/store.rs
delete from users u
using emails e, password_credentials p
where e.user_id = u.id
and p.user_id = u.id
and e.address_normal = $1
and e.is_primary
and e.verified_at is null
and u.status = 'pending'
returning u.id;

-- crates/usher/src/users/store.rs
delete from users
where id in (
select id
from users
where purge_after <= $1
order by purge_after
limit $2
for update skip locked
)
returning id;

-- crates/usher/src/verification/store.rs
select e.user_id
from emails e
join users u on u.id = e.user_id
join password_credentials p on p.user_id = u.id
where e.address_normal = $1 and e.is_primary and e.verified_at is null and u.status in ('pending', 'active');

