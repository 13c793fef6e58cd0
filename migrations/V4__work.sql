-- Everything that follows a change: audit, mails, jobs, and the answers kept for repeated requests.
create table audit_events (
    id uuid not null,
    occurred_at timestamptz not null,
    action text not null,
    outcome text not null,
    actor_kind text not null,
    actor_id uuid,
    target_kind text,
    target_id text,
    reason text,
    request_id text,
    address inet,
    user_agent text,
    changes jsonb not null default '{}'::jsonb,
    constraint audit_events_pkey primary key (id),
    constraint audit_events_outcome_check check (outcome in ('success', 'failure')),
    constraint audit_events_actor_kind_check check (actor_kind in ('anonymous', 'user', 'cli', 'system'))
);

create index audit_events_actor_id_idx on audit_events (actor_id, id) where actor_id is not null;
create index audit_events_target_id_idx on audit_events (target_id, id) where target_id is not null;
create index audit_events_action_idx on audit_events (action, id);

comment on table audit_events is 'Who did what, when, from where. Written in the transaction of the change; never updated.';
comment on column audit_events.changes is 'Field by field {"before", "after"}; secrets are never in it.';

create table jobs (
    id uuid not null,
    kind text not null,
    payload jsonb not null,
    unique_key text,
    run_at timestamptz not null,
    attempts integer not null default 0,
    claimed_until timestamptz,
    last_error text,
    dead_at timestamptz,
    created_at timestamptz not null,
    constraint jobs_pkey primary key (id),
    constraint jobs_unique_key_key unique (unique_key)
);

create index jobs_run_at_idx on jobs (run_at) where dead_at is null;

comment on table jobs is 'Work to be done after the change that asked for it. A finished job''s row is gone; a dead one stays to be seen.';
comment on column jobs.claimed_until is 'A worker has it until then; if the worker dies another takes it.';
comment on column jobs.unique_key is 'At most one waiting job per key: how the periodic ones are scheduled.';

create table mails (
    id uuid not null,
    user_id uuid,
    template text not null,
    recipient text not null,
    subject text not null,
    body_sealed bytea,
    status text not null,
    attempts integer not null default 0,
    last_error text,
    created_at timestamptz not null,
    sent_at timestamptz,
    constraint mails_pkey primary key (id),
    constraint mails_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint mails_status_check check (status in ('held', 'queued', 'sent', 'failed'))
);

create index mails_user_id_idx on mails (user_id);
create index mails_status_idx on mails (status, id) where status <> 'sent';

comment on table mails is 'Outgoing mail. held: there is no SMTP server; failed: given up, can be retried.';
comment on column mails.body_sealed is 'Text and HTML, sealed: they contain links that work once. Forgotten when the mail has been sent.';

create table idempotency_keys (
    scope text not null,
    key text not null,
    request_hash bytea not null,
    body_sealed bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (scope, key)
);

create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);

comment on table idempotency_keys is 'First answers to creating requests, for their repetition (24 hours).';
comment on column idempotency_keys.scope is 'Who sent it and to which operation.';
comment on column idempotency_keys.request_hash is 'Keyed hash of the body (it may hold a password): the same key with another body is refused.';
comment on column idempotency_keys.body_sealed is 'The whole first answer, sealed.';
