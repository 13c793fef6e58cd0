-- expand: People sign in with passkeys.
create table passkeys (
    id uuid not null,
    user_id uuid not null,
    credential_id bytea not null,
    credential jsonb not null,
    name text not null,
    is_backed_up boolean not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    constraint passkeys_pkey primary key (id),
    constraint passkeys_credential_id_key unique (credential_id),
    constraint passkeys_credential_id_check check (octet_length(credential_id) between 1 and 1023),
    constraint passkeys_name_check check (char_length(name) between 1 and 100),
    constraint passkeys_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 85);

create index passkeys_user_id_idx on passkeys (user_id);

comment on table passkeys is 'Passkeys (WebAuthn): each signs its user in by itself, since it is unlocked on the device.';
comment on column passkeys.credential is 'The public key, the count of signatures, and what is known of the authenticator. Nothing of it is secret.';
comment on column passkeys.is_backed_up is 'Whether the authenticator said at its last use that it is kept in more than one place.';

create table passkey_handles (
    user_id uuid not null,
    handle uuid not null,
    created_at timestamptz not null,
    constraint passkey_handles_pkey primary key (user_id),
    constraint passkey_handles_handle_key unique (handle),
    constraint passkey_handles_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table passkey_handles is 'By which name authenticators know a user: random, and nowhere else in use (R-085).';

create table passkey_ceremonies (
    token_hash bytea not null,
    kind text not null,
    user_id uuid,
    session_id uuid,
    state jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint passkey_ceremonies_pkey primary key (token_hash),
    constraint passkey_ceremonies_token_hash_check check (octet_length(token_hash) = 32),
    constraint passkey_ceremonies_kind_check check (kind in ('register', 'sign_in')),
    constraint passkey_ceremonies_session_id_check check (kind <> 'register' or (user_id is not null and session_id is not null)),
    constraint passkey_ceremonies_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

create index passkey_ceremonies_user_id_idx on passkey_ceremonies (user_id) where user_id is not null;
create index passkey_ceremonies_expires_at_idx on passkey_ceremonies (expires_at);

comment on table passkey_ceremonies is 'Challenges that wait for the answer of an authenticator. One that is used goes, whatever the answer was (R-080).';
comment on column passkey_ceremonies.user_id is 'Whose passkey it must be; null when nobody has said who they are.';
comment on column passkey_ceremonies.session_id is 'The session that registers the passkey.';
