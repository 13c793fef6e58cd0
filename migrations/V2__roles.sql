-- Roles are rows that carry permissions; the permissions themselves are a closed list in the code.
create table roles (
    name text not null,
    description text not null,
    permissions text[] not null,
    built_in boolean not null default false,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint roles_pkey primary key (name),
    constraint roles_name_check check (name ~ '^[a-z][a-z0-9_-]{0,62}$')
);

comment on table roles is 'Named sets of permissions.';
comment on column roles.permissions is 'Names from the closed list; a name this release does not know is ignored.';
comment on column roles.built_in is 'admin, manager and user: kept in step with the code at start, never edited or deleted.';

create table user_roles (
    user_id uuid not null,
    role_name text not null,
    granted_at timestamptz not null,
    granted_by uuid,
    constraint user_roles_pkey primary key (user_id, role_name),
    constraint user_roles_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint user_roles_role_name_fkey foreign key (role_name) references roles (name) on delete restrict
);

create index user_roles_role_name_idx on user_roles (role_name, user_id);

comment on table user_roles is 'Who holds which role.';
comment on column user_roles.granted_by is 'The user who granted it; null for the command line and for usher itself.';
