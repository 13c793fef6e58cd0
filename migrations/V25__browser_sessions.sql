-- expand: A browser shows its session by a cookie.
create table browser_sessions (
    session_id uuid not null,
    secret_hash bytea not null,
    expires_at timestamptz not null,
    constraint browser_sessions_pkey primary key (session_id),
    constraint browser_sessions_secret_hash_key unique (secret_hash),
    constraint browser_sessions_secret_hash_check check (octet_length(secret_hash) = 32),
    constraint browser_sessions_session_id_fkey foreign key (session_id) references sessions (id) on delete cascade
) with (fillfactor = 85);

comment on table browser_sessions is 'Sessions that go on by a cookie, and not by refresh tokens.';
comment on column browser_sessions.secret_hash is 'SHA-256 over purpose and secret.';
comment on column browser_sessions.expires_at is 'When the session is over if it is not seen before. Moved on at most once a minute.';
