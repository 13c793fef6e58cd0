-- expand: People are invited: by mail or by a link, to an account that they make themselves.
create table invitations (
    id uuid not null,
    address text not null,
    address_normal text not null,
    display_name text,
    message text,
    roles text[] not null,
    forward_to text,
    delivery text not null,
    lifetime_days integer not null,
    inviter_kind text not null,
    invited_by uuid,
    service_account_id uuid,
    token_hash bytea,
    created_at timestamptz not null,
    sent_at timestamptz,
    times_sent integer not null default 0,
    opened_at timestamptz,
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at timestamptz,
    replaced_at timestamptz,
    expires_at timestamptz not null,
    version bigint not null default 1,
    constraint invitations_pkey primary key (id),
    constraint invitations_token_hash_key unique (token_hash),
    constraint invitations_token_hash_check check (octet_length(token_hash) = 32),
    constraint invitations_message_check check (char_length(message) <= 1000),
    constraint invitations_delivery_check check (delivery in ('mail', 'link')),
    constraint invitations_lifetime_days_check check (lifetime_days between 1 and 30),
    constraint invitations_inviter_kind_check check (inviter_kind in ('user', 'service_account', 'cli')),
    constraint invitations_ended_check check (num_nonnulls(accepted_at, revoked_at, replaced_at) <= 1),
    constraint invitations_accepted_by_check check (accepted_by is null or accepted_at is not null),
    constraint invitations_invited_by_fkey foreign key (invited_by) references users (id) on delete set null,
    constraint invitations_service_account_id_fkey foreign key (service_account_id) references service_accounts (id) on delete set null,
    constraint invitations_accepted_by_fkey foreign key (accepted_by) references users (id) on delete cascade
);

create unique index invitations_address_idx on invitations (address_normal)
    where accepted_at is null and revoked_at is null and replaced_at is null;
create index invitations_invited_by_idx on invitations (invited_by) where invited_by is not null;
create index invitations_service_account_id_idx on invitations (service_account_id) where service_account_id is not null;
create index invitations_accepted_by_idx on invitations (accepted_by) where accepted_by is not null;

comment on table invitations is 'Who was invited to make an account. One that is open has not been accepted, revoked or replaced: at most one an address.';
comment on column invitations.address_normal is 'As in emails: equal for all spellings of one address.';
comment on column invitations.roles is 'What the account shall get, as far as the inviter can give it at that moment.';
comment on column invitations.delivery is 'mail: who holds the link reads the mail of the address. link: the inviter has handed it over, and it shows nothing.';
comment on column invitations.lifetime_days is 'How long it works from the moment it is sent.';
comment on column invitations.inviter_kind is 'Kept when the inviter is gone: what nobody stands for gives no roles.';
comment on column invitations.token_hash is 'SHA-256 over purpose and secret; null while no link works.';
comment on column invitations.opened_at is 'When the page behind the link was first opened, perhaps by a program that scans mail.';
comment on column invitations.accepted_by is 'The user that came of it, who takes it along when they are removed for good.';
comment on column invitations.replaced_at is 'It had expired, and another invitation was made for the address.';
comment on column invitations.version is 'Raised by every change; the entity tag of the resource.';
