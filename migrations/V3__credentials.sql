-- What proves a person: passwords, one-time tokens, sessions and their refresh tokens. Secrets are stored hashed.
create table password_credentials (
    user_id uuid not null,
    hash text not null,
    changed_at timestamptz not null,
    attempts_charged integer not null default 0,
    attempts_failed integer not null default 0,
    last_attempt_at timestamptz,
    lockouts integer not null default 0,
    locked_until timestamptz,
    constraint password_credentials_pkey primary key (user_id),
    constraint password_credentials_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint password_credentials_attempts_check check (attempts_failed >= 0 and attempts_charged >= attempts_failed)
) with (fillfactor = 70);

comment on table password_credentials is 'One password per user, as a PHC string.';
comment on column password_credentials.attempts_charged is 'Attempts reserved before the hash is computed, so that parallel guesses cost parallel attempts (R-022).';
comment on column password_credentials.attempts_failed is 'Of those, the ones that turned out wrong. Charged minus failed are still being verified.';
comment on column password_credentials.locked_until is 'No attempt is granted until then; users.locked_until says the same to people.';
comment on column password_credentials.lockouts is 'Lock-outs in a row; each doubles the next one. Success clears it.';

create table one_time_tokens (
    id uuid not null,
    purpose text not null,
    token_hash bytea not null,
    user_id uuid,
    email_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_tokens_pkey primary key (id),
    constraint one_time_tokens_token_hash_key unique (purpose, token_hash),
    constraint one_time_tokens_purpose_check check (purpose in ('setup', 'verify_email', 'reset_password', 'set_password')),
    constraint one_time_tokens_token_hash_check check (octet_length(token_hash) = 32),
    constraint one_time_tokens_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint one_time_tokens_email_id_fkey foreign key (email_id) references emails (id) on delete cascade
);

create index one_time_tokens_user_id_idx on one_time_tokens (user_id, purpose);
create index one_time_tokens_expires_at_idx on one_time_tokens (expires_at);

comment on table one_time_tokens is 'Links and codes that work once. The purpose is part of the key and of the hash (R-040).';
comment on column one_time_tokens.token_hash is 'SHA-256 over purpose and secret.';
comment on column one_time_tokens.used_at is 'Set by the one conditional statement that consumes the token.';

create table sessions (
    id uuid not null,
    user_id uuid not null,
    auth_epoch bigint not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_reason text,
    address inet,
    user_agent text,
    amr text[] not null,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 85);

create index sessions_user_id_idx on sessions (user_id);
create index sessions_expires_at_idx on sessions (expires_at);

comment on table sessions is 'Sign-ins. Every access token names one, and every request looks it up.';
comment on column sessions.auth_epoch is 'The user''s epoch when the session began; a later epoch has ended it.';
comment on column sessions.amr is 'Authentication methods (RFC 8176).';

create table refresh_tokens (
    token_hash bytea not null,
    session_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint refresh_tokens_pkey primary key (token_hash),
    constraint refresh_tokens_token_hash_check check (octet_length(token_hash) = 32),
    constraint refresh_tokens_session_id_fkey foreign key (session_id) references sessions (id) on delete cascade
);

create index refresh_tokens_session_id_idx on refresh_tokens (session_id);

comment on table refresh_tokens is 'The rotating family of a session. A used one that comes back ends the session.';

create table signing_keys (
    kid text not null,
    algorithm text not null,
    public_jwk jsonb not null,
    private_key_sealed bytea not null,
    created_at timestamptz not null,
    active_at timestamptz not null,
    retired_at timestamptz,
    expires_at timestamptz,
    constraint signing_keys_pkey primary key (kid),
    constraint signing_keys_algorithm_check check (algorithm in ('EdDSA', 'ES256', 'RS256'))
);

comment on table signing_keys is 'Keys that sign tokens. The newest active one signs; all that are not expired verify.';
comment on column signing_keys.private_key_sealed is 'PKCS#8 under AES-256-GCM with a key derived from USHER_SECRET_KEY, bound to the kid.';
comment on column signing_keys.active_at is 'Published from creation, signs from here on: one cache lifetime later (R-129).';
comment on column signing_keys.expires_at is 'Leaves the published set: after the last token it signed has expired.';
