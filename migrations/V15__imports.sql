-- expand: Users are imported from files: staged row by row, judged, and then created or changed in batches that can be undone.
create table imports (
    id uuid not null,
    source text not null,
    options jsonb not null,
    state text not null,
    total bigint not null default 0,
    position bigint not null default 0,
    token text,
    actor_kind text not null,
    actor_id uuid,
    api_key_id uuid,
    permissions text[] not null,
    origin jsonb not null,
    error text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    constraint imports_pkey primary key (id),
    constraint imports_state_check
        check (state in ('staging', 'classifying', 'ready', 'running', 'paused', 'finished', 'failed')),
    constraint imports_actor_kind_check check (actor_kind in ('user', 'service_account', 'cli'))
);

create index imports_created_at_idx on imports (created_at, id);

comment on table imports is 'One file of users: staged, judged row by row, then applied. Its id is that of the change set.';
comment on column imports.source is 'The name of the file, or where it came from.';
comment on column imports.position is 'Rows up to here are judged, and then applied. Raised in the transaction that does them.';
comment on column imports.token is 'Shown with the finished preview; the import is applied with it, once. It is no secret: it says what was seen.';
comment on column imports.permissions is 'What the caller might do when they asked; of it, the import may do what they may do still.';
comment on column imports.origin is 'Request id, address, user agent and reason, for the audit trail.';

create table import_rows (
    import_id uuid not null,
    position bigint not null,
    line bigint not null,
    record jsonb not null,
    class text,
    user_id uuid,
    changes jsonb,
    faults jsonb,
    outcome text,
    constraint import_rows_pkey primary key (import_id, position),
    constraint import_rows_import_id_fkey foreign key (import_id) references imports (id) on delete cascade,
    constraint import_rows_class_check check (class in ('create', 'update', 'unchanged', 'conflict', 'invalid')),
    constraint import_rows_outcome_check check (outcome in ('done', 'unchanged', 'conflict', 'failed'))
);

create index import_rows_class_idx on import_rows (import_id, class, position);

comment on table import_rows is 'The rows of an import.';
comment on column import_rows.record is 'The row in normal form. A password hash leaves it when the row is done.';
comment on column import_rows.class is 'What would come of it; null until it is judged.';
comment on column import_rows.user_id is 'Who is changed, or was created.';
comment on column import_rows.faults is 'Why it is invalid or a conflict: field, code and detail.';
comment on column import_rows.outcome is 'What came of it; null for what is to be done.';

create table import_keys (
    import_id uuid not null,
    key text not null,
    position bigint not null,
    constraint import_keys_pkey primary key (import_id, key),
    constraint import_keys_import_id_fkey foreign key (import_id) references imports (id) on delete cascade
);

comment on table import_keys is 'Which row of an import has an address, a user name or an id first: another row that has it is a conflict.';
