-- expand: Attributes of users get a schema, whose versions are kept, and indexes that it asks for.
create table attribute_schema (
    version bigint not null,
    document json not null,
    state text not null,
    operations json,
    checked bigint not null default 0,
    total bigint,
    position uuid,
    done_at timestamptz,
    violating bigint not null default 0,
    offenders json not null default '[]',
    created_at timestamptz not null,
    created_by uuid,
    constraint attribute_schema_pkey primary key (version),
    constraint attribute_schema_state_check check (state in ('pending', 'in_force', 'refused', 'superseded'))
);

create unique index attribute_schema_state_key on attribute_schema (state) where state in ('pending', 'in_force');

create table attribute_schema_state (
    only_row boolean not null default true,
    mark uuid not null,
    revision bigint not null default 1,
    constraint attribute_schema_state_pkey primary key (only_row),
    constraint attribute_schema_state_only_row_check check (only_row)
);

create table attribute_indexes (
    name text not null,
    property text not null,
    state text not null,
    detail text,
    offenders json not null default '[]',
    changed_at timestamptz not null,
    constraint attribute_indexes_pkey primary key (name),
    constraint attribute_indexes_state_check check (state in ('building', 'ready', 'failed'))
);

-- Whatever stands in the attributes of a user fits it.
insert into attribute_schema (version, document, state, done_at, created_at)
values (1, '{"type":"object","properties":{},"required":[],"additionalProperties":true}', 'in_force', now(), now());

insert into attribute_schema_state (mark) values ('00000000-0000-0000-0000-000000000000');

comment on table attribute_schema is 'The versions of the JSON Schema of users'' attributes. One is in force.';
comment on column attribute_schema.state is 'pending: every write fits it already, and the rows are being checked. in_force, refused or superseded.';
comment on column attribute_schema.operations is 'What is done to every row for this version: properties that are renamed or removed.';
comment on column attribute_schema.checked is 'How many users have been checked, or moved.';
comment on column attribute_schema.total is 'How many users there were when checking, or moving, began.';
comment on column attribute_schema.position is 'Users up to this id have been checked, or moved.';
comment on column attribute_schema.done_at is 'When the last user was checked, or moved.';
comment on column attribute_schema.violating is 'How many users do not fit.';
comment on column attribute_schema.offenders is 'The first of them, and where.';
comment on column attribute_schema.created_by is 'The user who set it; null for a service account, the command line and usher itself.';
comment on table attribute_schema_state is 'One row. Who writes attributes locks it for share, and who changes the schema for update.';
comment on column attribute_schema_state.mark is 'Another one after every change of what processes keep in memory.';
comment on column attribute_schema_state.revision is 'Raised by every change of the schema in force or pending; the entity tag.';
comment on table attribute_indexes is 'The indexes on users'' attributes that the schema asks for, as the job that builds them has left them.';
comment on column attribute_indexes.detail is 'Why it could not be built.';
comment on column attribute_indexes.offenders is 'Users who have the same value of a property that shall be unique.';
