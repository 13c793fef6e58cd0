-- What slows guessing and flooding down, and the devices that people are known by.
create table attempts (
    authenticator text not null,
    subject text not null,
    device_id uuid not null,
    charged integer not null,
    failed integer not null default 0,
    failed_in_a_row integer not null default 0,
    lockouts integer not null default 0,
    locked_until timestamptz,
    disabled_at timestamptz,
    last_attempt_at timestamptz not null,
    constraint attempts_pkey primary key (authenticator, subject, device_id),
    constraint attempts_charged_check check (failed >= 0 and charged >= failed)
) with (fillfactor = 70);

create index attempts_last_attempt_at_idx on attempts (last_attempt_at);

comment on table attempts is 'Attempts at an authenticator. There is a row for accounts that do not exist, too: nobody can tell them apart (R-027).';
comment on column attempts.subject is 'The account, or a keyed hash of the name of an account that is nobody''s.';
comment on column attempts.device_id is 'The known device it was attempted from; the nil UUID for everywhere else (R-025).';
comment on column attempts.charged is 'Attempts reserved before the secret is looked at, so that parallel guesses cost parallel attempts (R-022).';
comment on column attempts.failed is 'Of those, the ones that turned out wrong. Charged minus failed are still being verified.';
comment on column attempts.failed_in_a_row is 'Failures since the last success, across lock-outs; counted in the row of the nil UUID for all devices (R-020).';
comment on column attempts.lockouts is 'Lock-outs in a row; each doubles the next one. Success clears it.';
comment on column attempts.disabled_at is 'Too many failures in a row: the authenticator must be bound anew (R-020).';

-- The counters were columns of the credential; they have never counted for accounts without one.
alter table password_credentials
    drop column attempts_charged,
    drop column attempts_failed,
    drop column last_attempt_at,
    drop column lockouts,
    drop column locked_until;

create unlogged table rate_limits (
    key text not null,
    filled_until timestamptz not null,
    constraint rate_limits_pkey primary key (key)
) with (fillfactor = 70);

create index rate_limits_filled_until_idx on rate_limits (filled_until);

comment on table rate_limits is 'How far each bucket is filled (generic cell rate algorithm). Unlogged: after a crash all buckets are empty, which harms nobody.';
comment on column rate_limits.key is 'Name of the limit and whom it is for.';
comment on column rate_limits.filled_until is 'When the bucket is empty again, if nothing more is taken.';

create table devices (
    id uuid not null,
    user_id uuid not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    address inet,
    user_agent text,
    constraint devices_pkey primary key (id),
    constraint devices_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint devices_token_hash_key unique (token_hash),
    constraint devices_token_hash_check check (octet_length(token_hash) = 32)
) with (fillfactor = 85);

create index devices_user_id_idx on devices (user_id, last_seen_at);

comment on table devices is 'Where a user has signed in before, known again by a token that the device keeps.';
comment on column devices.address is 'Where it was last signed in from.';

alter table sessions
    add column device_id uuid,
    add constraint sessions_device_id_fkey foreign key (device_id) references devices (id) on delete set null;

create index sessions_device_id_idx on sessions (device_id) where device_id is not null;

comment on column sessions.device_id is 'The device it was begun on.';

alter table one_time_tokens
    drop constraint one_time_tokens_purpose_check,
    add constraint one_time_tokens_purpose_check check (
        purpose in ('setup', 'verify_email', 'reset_password', 'set_password', 'report_sign_in')
    );

-- A retry within the grace gets the same successor (R-148).
alter table refresh_tokens
    add column successor bytea;

comment on column refresh_tokens.successor is 'The next token, encrypted under this one, while a retry grace is configured.';
