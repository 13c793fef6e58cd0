-- expand: People ask for what somebody else has to approve, such as professional status.
create table approval_requests (
    id uuid not null,
    kind text not null,
    user_id uuid not null,
    state text not null default 'waiting',
    message text,
    created_at timestamptz not null,
    decided_at timestamptz,
    decider_kind text,
    decided_by uuid,
    reason text,
    version bigint not null default 1,
    constraint approval_requests_pkey primary key (id),
    constraint approval_requests_kind_check check (kind in ('professional')),
    constraint approval_requests_state_check check (state in ('waiting', 'approved', 'declined', 'withdrawn')),
    constraint approval_requests_message_check check (char_length(message) <= 2000),
    constraint approval_requests_reason_check check (char_length(reason) <= 1000),
    constraint approval_requests_decided_at_check check ((state = 'waiting') = (decided_at is null)),
    constraint approval_requests_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint approval_requests_decided_by_fkey foreign key (decided_by) references users (id) on delete set null
);

create unique index approval_requests_waiting_idx on approval_requests (user_id, kind) where state = 'waiting';
create index approval_requests_user_id_idx on approval_requests (user_id, id);
create index approval_requests_state_idx on approval_requests (state, id);
create index approval_requests_decided_by_idx on approval_requests (decided_by) where decided_by is not null;

comment on table approval_requests is 'What people have asked for, and what became of it: at most one of a kind waits for each.';
comment on column approval_requests.kind is 'professional: to be recognised as a professional (users.professional_at).';
comment on column approval_requests.state is 'withdrawn: by the person, before anybody decided.';
comment on column approval_requests.message is 'What the person says to whoever decides.';
comment on column approval_requests.decided_at is 'When it stopped waiting, by whatever decision.';
comment on column approval_requests.decider_kind is 'As the kind of an actor in audit_events; kept when the one who decided is gone.';
comment on column approval_requests.decided_by is 'The user who decided, if it was one and they are still there.';
comment on column approval_requests.reason is 'What the person is told with the decision.';
comment on column approval_requests.version is 'Raised by every change; the entity tag of the resource.';
