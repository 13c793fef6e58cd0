-- expand: The audit trail is partitioned by month, and months can be dropped when they are sealed and old enough.
alter table audit_events rename to audit_events_past;
alter index audit_events_pkey rename to audit_events_past_pkey;
alter index audit_events_actor_id_idx rename to audit_events_past_actor_id_idx;
alter index audit_events_target_id_idx rename to audit_events_past_target_id_idx;
alter index audit_events_action_idx rename to audit_events_past_action_idx;
alter index audit_events_subject_id_idx rename to audit_events_past_subject_id_idx;
create table audit_events (
    like audit_events_past including defaults including constraints including comments including storage,
    constraint audit_events_pkey primary key (id)
) partition by range (id);
create index audit_events_actor_id_idx on audit_events (actor_id, id) where actor_id is not null;
create index audit_events_target_id_idx on audit_events (target_id, id) where target_id is not null;
create index audit_events_action_idx on audit_events (action, id);
create index audit_events_subject_id_idx on audit_events (subject_id, id) where subject_id is not null;
select attach_past('audit_events');

alter table audit_details rename to audit_details_past;
alter index audit_details_pkey rename to audit_details_past_pkey;
create table audit_details (
    like audit_details_past including defaults including constraints including comments including storage,
    constraint audit_details_pkey primary key (event_id)
) partition by range (event_id);
drop trigger erasable on audit_details_past;
create trigger erasable before delete on audit_details
    for each row execute function refuse_erasure_of_the_living();
select attach_past('audit_details');

alter table audit_changes rename to audit_changes_past;
alter index audit_changes_pkey rename to audit_changes_past_pkey;
alter index audit_changes_change_id_idx rename to audit_changes_past_change_id_idx;
alter index audit_changes_heads_idx rename to audit_changes_past_heads_idx;
create table audit_changes (
    like audit_changes_past including defaults including constraints including comments including storage,
    constraint audit_changes_pkey primary key (event_id)
) partition by range (event_id);
create index audit_changes_change_id_idx on audit_changes (change_id, event_id) where change_id <> event_id;
create index audit_changes_heads_idx on audit_changes (event_id) where change_id = event_id;
select attach_past('audit_changes');

insert into partitioned_tables (name, key_kind, width, guarded)
values ('audit_events', 'uuidv7', 'month', true), ('audit_details', 'uuidv7', 'month', true), ('audit_changes', 'uuidv7', 'month', true);

select create_partitions(now());

create table audit_drops (
    before_id uuid not null,
    before_at timestamptz not null,
    dropped_at timestamptz not null default clock_timestamp(),
    dropped_by text not null default session_user,
    constraint audit_drops_pkey primary key (before_id)
);

create trigger append_only before update or delete or truncate on audit_drops
    for each statement execute function refuse_change();

comment on table audit_drops is 'Up to where the audit trail was dropped by retention. The leaves stay, so that the tree goes on; append-only.';
comment on column audit_drops.before_id is 'Events with ids below are gone.';

select set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- The caller's clock says what is old, the owner how old it must be. Nothing goes that is not sealed.
create function drop_audit_partitions(moment timestamptz, days integer) returns text[]
language plpgsql security definer set search_path from current set timezone = 'UTC' as $f$
declare
    bound timestamptz;
    bound_id uuid;
    dropped text[];
begin
    if exists (select from partitioned_tables p where p.guarded and (p.kept_days is null or p.kept_days > days)) then
        raise exception 'the audit trail is kept for longer: the owner of the tables has not let it be dropped after % days', days
            using errcode = 'insufficient_privilege';
    end if;
    lock table partitioned_tables in share row exclusive mode;
    -- Up to the first month that still has an event which waits to be sealed.
    select max(o.to_at) into bound
    from list_partitions_over('audit_events', moment - make_interval(days => days)) o
    where not exists (select from audit_unsealed u where u.event_id < partition_bound('uuidv7', o.to_at)::uuid);
    if bound is null then
        return '{}';
    end if;
    bound_id := partition_bound('uuidv7', bound)::uuid;
    if not exists (select from audit_events e where e.id < bound_id) then
        return '{}';
    end if;
    dropped := drop_partitions_over('audit_events', bound)
        || drop_partitions_over('audit_details', bound)
        || drop_partitions_over('audit_changes', bound);
    insert into audit_drops (before_id, before_at) values (bound_id, bound) on conflict do nothing;
    return dropped;
end
$f$;

comment on function drop_audit_partitions is 'Drops the months that are older than so many days and wholly sealed. Returns names.';

revoke execute on function drop_audit_partitions(timestamptz, integer) from public;
