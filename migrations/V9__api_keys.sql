-- Programs: service accounts, and the API keys of people and of service accounts.
create table service_accounts (
    id uuid not null,
    name text not null,
    description text not null,
    status text not null default 'active',
    permissions text[] not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint service_accounts_pkey primary key (id),
    constraint service_accounts_name_key unique (name),
    constraint service_accounts_name_check check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint service_accounts_status_check check (status in ('active', 'suspended'))
);

comment on table service_accounts is 'Programs that act in their own name. They have no password and no session, only API keys.';
comment on column service_accounts.permissions is 'Names from the closed list, as in roles: what a key of the account may hold at most.';
comment on column service_accounts.version is 'Raised by every change; the entity tag of the resource.';

create table api_keys (
    id uuid not null,
    user_id uuid,
    service_account_id uuid,
    name text not null,
    prefix text not null,
    key_hash bytea not null,
    permissions text[] not null,
    auth_epoch bigint,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    last_used_address inet,
    constraint api_keys_pkey primary key (id),
    constraint api_keys_key_hash_key unique (key_hash),
    constraint api_keys_key_hash_check check (octet_length(key_hash) = 32),
    constraint api_keys_holder_check check (num_nonnulls(user_id, service_account_id) = 1),
    constraint api_keys_auth_epoch_check check ((user_id is null) = (auth_epoch is null)),
    constraint api_keys_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint api_keys_service_account_id_fkey foreign key (service_account_id) references service_accounts (id) on delete cascade
) with (fillfactor = 85);

create index api_keys_user_id_idx on api_keys (user_id, id) where user_id is not null;
create index api_keys_service_account_id_idx on api_keys (service_account_id, id) where service_account_id is not null;
create index api_keys_expires_at_idx on api_keys (expires_at);

comment on table api_keys is 'Bearer secrets of programs. Each belongs to one user or to one service account.';
comment on column api_keys.prefix is 'The beginning of the key, by which people tell their keys apart.';
comment on column api_keys.key_hash is 'SHA-256 over purpose and secret.';
comment on column api_keys.permissions is 'What the key may do, as far as its holder may do it at that moment.';
comment on column api_keys.auth_epoch is 'The user''s epoch when the key was made: what ends all sessions of a user ends their keys.';
comment on column api_keys.last_used_at is 'Written at most once a minute.';

-- Audit events of service accounts. Their ids are nobody's: only a user who acted can be purged.
alter table audit_events drop constraint audit_events_actor_kind_check;
alter table audit_events add constraint audit_events_actor_kind_check check (
    actor_kind in ('anonymous', 'user', 'service_account', 'cli', 'system')
);

create or replace function refuse_erasure_of_the_living() returns trigger language plpgsql as $$
begin
    if exists (
        select from audit_events e
        where e.id = old.event_id
            and (
                (e.actor_kind = 'user' and e.actor_id is not null and not exists (select from users u where u.id = e.actor_id))
                or (e.subject_id is not null and not exists (select from users u where u.id = e.subject_id))
            )
    ) then
        return old;
    end if;
    raise exception 'audit_details are erased only when the person they concern is purged' using errcode = 'restrict_violation';
end
$$;

comment on column user_roles.granted_by is 'The user who granted it; null for a service account, the command line and usher itself.';
comment on column users.deleted_by is 'Who put them into the recycle bin: themselves, an administrator, or null for a service account and the operator.';
