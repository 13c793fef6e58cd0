-- expand: Roles ask for a second factor, and people trust devices with sparing them the code.
--
-- When somebody must have a second factor is written down for nobody: it follows from when the policy began and since when they have the
-- role, by whatever way. So whoever changes a role, a group or a grant changes it for all whom it concerns, at once.
alter table roles
    add column second_factor_since timestamptz,
    add column second_factor_grace_days integer not null default 0;

comment on column roles.second_factor_since is 'From then on who has the role must bind a second factor, within the days of grace; null: they need none.';
comment on column roles.second_factor_grace_days is 'Counted from second_factor_since, or from when somebody got the role if that is later.';

alter table group_roles add column since timestamptz not null default now();
alter table group_closure add column since timestamptz not null default now();

comment on column group_roles.since is 'Since when the group carries the role.';
comment on column group_closure.since is 'Since when the ancestor is above the group.';

create function role_ways(of_user uuid, at timestamptz)
returns table (role_name text, group_id uuid, carrier_id uuid, expires_at timestamptz, since timestamptz)
language sql stable parallel safe
as $$
    select ur.role_name, null::uuid, null::uuid, ur.expires_at, ur.granted_at
    from user_roles ur
    where ur.user_id = of_user and (ur.expires_at is null or ur.expires_at > at)
    union all
    select gr.role_name, m.group_id, gr.group_id, m.expires_at, greatest(m.granted_at, gr.since, c.since)
    from group_members m
    join group_closure c on c.group_id = m.group_id
    join group_roles gr on gr.group_id = c.ancestor_id
    where m.user_id = of_user and (m.expires_at is null or m.expires_at > at)
$$;

comment on function role_ways is 'What effective_roles says, and since when each way has been there.';

create or replace function effective_roles(of_user uuid, at timestamptz)
returns table (role_name text, group_id uuid, carrier_id uuid, expires_at timestamptz)
language sql stable parallel safe
as $$
    select w.role_name, w.group_id, w.carrier_id, w.expires_at
    from role_ways(of_user, at) w
$$;

create table trusted_devices (
    device_id uuid not null,
    user_id uuid not null,
    auth_epoch bigint not null,
    trusted_at timestamptz not null,
    expires_at timestamptz not null,
    constraint trusted_devices_pkey primary key (device_id),
    constraint trusted_devices_expires_at_check check (expires_at <= trusted_at + interval '720 hours'),
    constraint trusted_devices_device_id_fkey foreign key (device_id) references devices (id) on delete cascade,
    constraint trusted_devices_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

create index trusted_devices_user_id_idx on trusted_devices (user_id);

comment on table trusted_devices is 'Devices on which a sign-in is spared the second factor; each shows the token of devices, made anew when it was trusted (R-067).';
comment on column trusted_devices.auth_epoch is 'The user''s epoch then; a later one has ended the trust.';
