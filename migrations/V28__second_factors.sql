-- expand: People bind a second factor to their account: codes of an app, and recovery codes for when it is lost.
create table totp_factors (
    user_id uuid not null,
    secret_sealed bytea not null,
    created_at timestamptz not null,
    confirmed_at timestamptz,
    accepted_step bigint,
    constraint totp_factors_pkey primary key (user_id),
    constraint totp_factors_accepted_step_check check (confirmed_at is null or accepted_step is not null),
    constraint totp_factors_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 85);

comment on table totp_factors is 'Authenticator apps: one per user. Until it is confirmed by a code it opens nothing and is asked for by nobody.';
comment on column totp_factors.secret_sealed is '160 bits under AES-256-GCM with a key derived from USHER_SECRET_KEY, bound to the user.';
comment on column totp_factors.accepted_step is 'The newest time step (30 s since 1970) whose code was accepted. Only codes of later ones are (R-061).';

create table recovery_codes (
    user_id uuid not null,
    code_hash bytea not null,
    created_at timestamptz not null,
    used_at timestamptz,
    constraint recovery_codes_pkey primary key (user_id, code_hash),
    constraint recovery_codes_code_hash_check check (octet_length(code_hash) = 32),
    constraint recovery_codes_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table recovery_codes is 'Each stands once for the authenticator app of its user. A new set takes the place of the old one.';
comment on column recovery_codes.code_hash is 'SHA-256 over the user and the code, which has 120 random bits.';

create table pending_sign_ins (
    token_hash bytea not null,
    user_id uuid not null,
    auth_epoch bigint not null,
    device_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint pending_sign_ins_pkey primary key (token_hash),
    constraint pending_sign_ins_token_hash_check check (octet_length(token_hash) = 32),
    constraint pending_sign_ins_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

create index pending_sign_ins_user_id_idx on pending_sign_ins (user_id);
create index pending_sign_ins_expires_at_idx on pending_sign_ins (expires_at);

comment on table pending_sign_ins is 'Sign-ins whose password was right, and which wait for the second factor. One that is used goes.';
comment on column pending_sign_ins.auth_epoch is 'The user''s epoch when the password was read; a later one has ended the sign-in.';
comment on column pending_sign_ins.device_id is 'The known device that the password came from.';
