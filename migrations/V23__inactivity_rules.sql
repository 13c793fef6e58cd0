-- expand: Rules warn, suspend or delete whoever has not been active for long; usher itself begins runs in bulk for them.
create table inactivity_rules (
    id uuid not null,
    name text not null,
    name_normal text not null generated always as (lower(name)) stored,
    action text not null,
    after_days integer not null,
    filter text,
    exempt text,
    warned_days integer,
    enabled boolean not null,
    permissions text[] not null,
    last_run_on date,
    last_run_id uuid,
    last_error text,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint inactivity_rules_pkey primary key (id),
    constraint inactivity_rules_name_key unique (name_normal),
    constraint inactivity_rules_name_check check (char_length(name) between 1 and 100),
    constraint inactivity_rules_action_check check (action in ('warn', 'suspend', 'delete')),
    constraint inactivity_rules_after_days_check check (after_days between 1 and 3650),
    constraint inactivity_rules_warned_days_check check (
        warned_days between 1 and 365 and action <> 'warn' or warned_days is null and action <> 'delete'
    )
);

comment on table inactivity_rules is 'What becomes of users who have not been active for so many days.';
comment on column inactivity_rules.filter is 'Whom it is about, in canonical form; null is everybody.';
comment on column inactivity_rules.exempt is 'Whom it is not about, in canonical form; null is nobody.';
comment on column inactivity_rules.warned_days is 'Only who was mailed a warning so many days ago, and was not active since.';
comment on column inactivity_rules.permissions is 'Those of whoever wrote the rule last: it can do no more.';
comment on column inactivity_rules.last_run_on is 'The day of UTC on which its turn was; moved by one conditional update, so that each day has one turn.';
comment on column inactivity_rules.last_run_id is 'The newest run in bulk that it has begun; null when there was nobody yet.';
comment on column inactivity_rules.last_error is 'Why the turn of that day began no run although it should have.';

create table inactivity_warnings (
    user_id uuid not null,
    rule_id uuid not null,
    last_day date not null,
    warned_at timestamptz not null,
    sent_at timestamptz,
    constraint inactivity_warnings_pkey primary key (user_id, rule_id),
    constraint inactivity_warnings_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table inactivity_warnings is 'Who was warned that their account is unused. Without foreign key to the rule: who was warned stays warned when it goes.';
comment on column inactivity_warnings.last_day is 'The last day of activity then. A later one makes the warning void.';
comment on column inactivity_warnings.warned_at is 'When the mail was asked for.';
comment on column inactivity_warnings.sent_at is 'When the mail server took it. Until then nobody counts as warned.';

alter table bulk_runs add column inactive_before date;

comment on column bulk_runs.inactive_before is 'Whoever was active on this day or later is left out when their turn comes.';

alter table bulk_runs drop constraint bulk_runs_actor_kind_check;
alter table bulk_runs add constraint bulk_runs_actor_kind_check
    check (actor_kind in ('user', 'service_account', 'cli', 'system')) not valid;

comment on table last_active_days is 'The last row of each user in activity_days, or the day on which somebody let them in again, so that who has been inactive for how long is one pass over the users.';
