-- Users and the addresses they are reached by. A user is never removed row by row from the request path:
-- deletion is a state, and a job purges the row when `purge_after` has passed.
create table users (
    id uuid not null,
    username text not null,
    username_normal text not null generated always as (lower(username)) stored,
    status text not null,
    status_before_deletion text,
    locked_until timestamptz,
    auth_epoch bigint not null default 1,
    given_name text,
    family_name text,
    display_name text,
    bio text,
    picture_url text,
    website_url text,
    github_url text,
    linkedin_url text,
    locale text,
    time_zone text,
    professional_at timestamptz,
    attributes jsonb not null default '{}'::jsonb,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    last_sign_in_at timestamptz,
    deleted_at timestamptz,
    purge_after timestamptz,
    search_text text not null generated always as (
        lower(username || ' ' || coalesce(display_name, '') || ' ' || coalesce(given_name, '') || ' ' || coalesce(family_name, ''))
    ) stored,
    constraint users_pkey primary key (id),
    constraint users_username_key unique (username_normal),
    constraint users_username_check check (username ~ '^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$'),
    constraint users_status_check check (status in ('pending', 'active', 'suspended', 'deleted')),
    constraint users_deleted_check check (
        (status = 'deleted') = (deleted_at is not null)
        and (status = 'deleted') = (purge_after is not null)
        and (status = 'deleted') = (status_before_deletion is not null)
    ),
    constraint users_attributes_check check (jsonb_typeof(attributes) = 'object')
) with (fillfactor = 85);

create index users_created_at_idx on users (created_at, id);
create index users_purge_after_idx on users (purge_after) where purge_after is not null;

comment on table users is 'One row per person.';
comment on column users.id is 'UUID version 7, made by usher; never reused.';
comment on column users.username is 'Public handle as the person wrote it; safe in a URL.';
comment on column users.username_normal is 'Case-folded handle: the unique key.';
comment on column users.status is 'pending (address not verified), active, suspended or deleted (in the recycle bin).';
comment on column users.status_before_deletion is 'What restore brings back.';
comment on column users.locked_until is 'Too many wrong passwords: sign-in is refused until then.';
comment on column users.auth_epoch is 'Sessions carry the epoch they began in; raising it ends them all in one statement.';
comment on column users.attributes is 'What the deployment wants to know of a person: one JSON object.';
comment on column users.version is 'Raised by every change; the entity tag of the resource.';
comment on column users.purge_after is 'When the recycle bin forgets the person for good.';
comment on column users.search_text is 'What the search `q` looks into beside the addresses.';

create table emails (
    id uuid not null,
    user_id uuid not null,
    address text not null,
    address_normal text not null,
    is_primary boolean not null,
    verified_at timestamptz,
    created_at timestamptz not null,
    constraint emails_pkey primary key (id),
    constraint emails_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint emails_address_key unique (address_normal)
);

create unique index emails_primary_key on emails (user_id) where is_primary;
create index emails_user_id_idx on emails (user_id);

comment on table emails is 'Addresses of users. One of them is the primary one.';
comment on column emails.address is 'As the person wrote it; mail goes here.';
comment on column emails.address_normal is 'One idempotent normal form (NFC, lower case, IDNA A-labels): the unique key.';
comment on column emails.verified_at is 'Set only by the verification flow (R-048).';

-- Substring search uses trigrams where the server offers them; everything works without.
do $$
begin
    if exists (select from pg_available_extensions where name = 'pg_trgm') then
        create extension if not exists pg_trgm;
        create index users_search_text_idx on users using gin (search_text gin_trgm_ops);
        create index emails_address_normal_idx on emails using gin (address_normal gin_trgm_ops);
    end if;
exception
    when insufficient_privilege then
        raise notice 'pg_trgm may not be created by this role: substring search reads the whole table';
end
$$;
