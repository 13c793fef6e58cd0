-- expand: Groups that carry roles, grants that end by themselves, and one place that says which roles a user has.
--
-- A group has the roles that it carries and those of its parents. Groups are few and members are many, so what a group has by its
-- parents is written down when the parents change (group_closure), and nothing is written for a member then.
create table groups (
    id uuid not null,
    name text not null,
    name_normal text not null generated always as (lower(name)) stored,
    description text not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint groups_pkey primary key (id),
    constraint groups_name_key unique (name_normal),
    constraint groups_name_check check (char_length(name) between 1 and 100)
);

comment on table groups is 'Users who have the same roles for the same reason.';
comment on column groups.name_normal is 'Case-folded name: the unique key.';
comment on column groups.version is 'Raised by every change of the group, its roles and its parents, not by its members; the entity tag of the resource.';

create table group_roles (
    group_id uuid not null,
    role_name text not null,
    constraint group_roles_pkey primary key (group_id, role_name),
    constraint group_roles_group_id_fkey foreign key (group_id) references groups (id) on delete cascade,
    constraint group_roles_role_name_fkey foreign key (role_name) references roles (name) on delete restrict
);

create index group_roles_role_name_idx on group_roles (role_name, group_id);

comment on table group_roles is 'Which roles a group carries itself.';

create table group_parents (
    group_id uuid not null,
    parent_id uuid not null,
    constraint group_parents_pkey primary key (group_id, parent_id),
    constraint group_parents_group_id_fkey foreign key (group_id) references groups (id) on delete cascade,
    constraint group_parents_parent_id_fkey foreign key (parent_id) references groups (id) on delete restrict,
    constraint group_parents_parent_id_check check (group_id <> parent_id)
);

create index group_parents_parent_id_idx on group_parents (parent_id);

comment on table group_parents is 'Members of the group have the roles of its parents too. Locked by whoever changes what groups carry; there are no circles.';

create table group_closure (
    group_id uuid not null,
    ancestor_id uuid not null,
    constraint group_closure_pkey primary key (group_id, ancestor_id),
    constraint group_closure_group_id_fkey foreign key (group_id) references groups (id) on delete cascade,
    constraint group_closure_ancestor_id_fkey foreign key (ancestor_id) references groups (id) on delete cascade
);

create index group_closure_ancestor_id_idx on group_closure (ancestor_id, group_id);

comment on table group_closure is 'Each group with itself and all that is above it. Follows from group_parents, and is written with it.';

create table group_members (
    user_id uuid not null,
    group_id uuid not null,
    granted_at timestamptz not null,
    granted_by uuid,
    expires_at timestamptz,
    constraint group_members_pkey primary key (user_id, group_id),
    constraint group_members_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint group_members_group_id_fkey foreign key (group_id) references groups (id) on delete restrict
);

create index group_members_group_id_idx on group_members (group_id, user_id);
create index group_members_expires_at_idx on group_members (expires_at) where expires_at is not null;

comment on table group_members is 'Who is in which group.';
comment on column group_members.granted_by is 'The user who granted it; null for a service account, the command line and usher itself.';
comment on column group_members.expires_at is 'From then on the membership gives nothing, whether or not the row is still there; null: it does not end.';

alter table user_roles add column expires_at timestamptz;

comment on column user_roles.expires_at is 'From then on the grant gives nothing, whether or not the row is still there; null: it does not end.';

-- A function and not a view, since the time is the transaction's own. It is plain SQL, so that PostgreSQL puts it into the statement
-- that asks, and both halves are looked up by the user.
create function effective_roles(of_user uuid, at timestamptz)
returns table (role_name text, group_id uuid, carrier_id uuid, expires_at timestamptz)
language sql stable parallel safe
as $$
    select ur.role_name, null::uuid, null::uuid, ur.expires_at
    from user_roles ur
    where ur.user_id = of_user and (ur.expires_at is null or ur.expires_at > at)
    union all
    select gr.role_name, m.group_id, gr.group_id, m.expires_at
    from group_members m
    join group_closure c on c.group_id = m.group_id
    join group_roles gr on gr.group_id = c.ancestor_id
    where m.user_id = of_user and (m.expires_at is null or m.expires_at > at)
$$;

comment on function effective_roles is 'The roles that a user has at a time, each as often as there are ways to it: granted (group_id is null), or as a member of group_id from carrier_id, which is that group or one above it.';
