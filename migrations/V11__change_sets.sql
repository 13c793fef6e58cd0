-- expand: Administrative changes are sets that can be listed and undone, and changes in bulk are one set each.
create table audit_changes (
    event_id uuid not null,
    change_id uuid not null,
    constraint audit_changes_pkey primary key (event_id)
);

create index audit_changes_change_id_idx on audit_changes (change_id, event_id) where change_id <> event_id;
create index audit_changes_heads_idx on audit_changes (event_id) where change_id = event_id;

create trigger append_only before update or delete or truncate on audit_changes
    for each statement execute function refuse_change();

comment on table audit_changes is 'Which audit events are administrative changes. The sealed details say the same; this is where it is looked up.';
comment on column audit_changes.change_id is 'The change set: the event''s own id when it is a set for itself, or begins one.';

create table bulk_runs (
    id uuid not null,
    action text not null,
    argument jsonb not null default '{}'::jsonb,
    filter text,
    state text not null,
    total bigint not null,
    position bigint not null default 0,
    token_hash bytea,
    actor_kind text not null,
    actor_id uuid,
    api_key_id uuid,
    permissions text[] not null,
    origin jsonb not null,
    undoes uuid,
    error text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    constraint bulk_runs_pkey primary key (id),
    constraint bulk_runs_state_check check (state in ('previewed', 'running', 'paused', 'finished', 'failed')),
    constraint bulk_runs_actor_kind_check check (actor_kind in ('user', 'service_account', 'cli'))
);

create index bulk_runs_created_at_idx on bulk_runs (created_at, id);
create unique index bulk_runs_undoes_key on bulk_runs (undoes) where undoes is not null and state in ('running', 'paused');

comment on table bulk_runs is 'One action on many users: first a preview with the users it is about, then a run. Its id is that of the change set.';
comment on column bulk_runs.position is 'Items up to here are done with. Raised in the transaction that does them.';
comment on column bulk_runs.token_hash is 'SHA-256 of what the preview gave out; the run is begun with it, once.';
comment on column bulk_runs.permissions is 'What the caller might do when they asked; of it, the run may do what they may do still.';
comment on column bulk_runs.origin is 'Request id, address, user agent and reason, for the audit trail.';
comment on column bulk_runs.undoes is 'The change set that this run undoes. One at a time.';

create table bulk_items (
    run_id uuid not null,
    position bigint not null,
    user_id uuid not null,
    event_id uuid,
    outcome text,
    code text,
    detail text,
    constraint bulk_items_pkey primary key (run_id, position),
    constraint bulk_items_run_id_fkey foreign key (run_id) references bulk_runs (id) on delete cascade,
    constraint bulk_items_outcome_check check (outcome in ('done', 'unchanged', 'refused', 'failed'))
);

create index bulk_items_outcome_idx on bulk_items (run_id, outcome, position);

comment on table bulk_items is 'The users of a run, as they were found for the preview: the set is frozen.';
comment on column bulk_items.event_id is 'What is undone, in a run that undoes.';
comment on column bulk_items.outcome is 'In a preview what would come of it, in a run what came of it; null for what is to be done.';
