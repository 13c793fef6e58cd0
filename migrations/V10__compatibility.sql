-- expand: The database says which releases still work with it, so that an older one need not refuse all that is newer.
create table schema_compatibility (
    only_row boolean not null default true,
    oldest_version integer not null,
    constraint schema_compatibility_pkey primary key (only_row),
    constraint schema_compatibility_only_row_check check (only_row)
);

insert into schema_compatibility (oldest_version) values (9);

comment on table schema_compatibility is 'One row: which releases may use this schema.';
comment on column schema_compatibility.oldest_version is 'Releases whose newest migration has at least this number work with the schema. Raised by contracts.';
