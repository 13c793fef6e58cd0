-- expand: Tables that only grow are partitioned by time: what is over is dropped with its partition, not deleted row by row.
create table partitioned_tables (
    name text not null,
    key_kind text not null,
    width text not null,
    over_at text,
    guarded boolean not null default false,
    kept_days integer,
    constraint partitioned_tables_pkey primary key (name),
    constraint partitioned_tables_key_kind_check check (key_kind in ('uuidv7', 'timestamptz', 'date')),
    constraint partitioned_tables_width_check check (width in ('month', 'week'))
);

comment on table partitioned_tables is 'The tables that are partitioned by time. Written by migrations only: the functions on partitions act as the owner.';
comment on column partitioned_tables.key_kind is 'The type of the key; the time of a UUID of version 7 is its first 48 bits.';
comment on column partitioned_tables.over_at is 'The column that says until when a row counts. Null: its age decides.';
comment on column partitioned_tables.guarded is 'drop_partitions refuses: a function of its own looks at more.';
comment on column partitioned_tables.kept_days is 'Of a guarded table: how old the owner has said it must be to be dropped. Null: it is kept.';

-- A role that does not own the tables calls the functions below, and they act as the owner. So names mean the same whoever calls: what
-- stands in this schema, and never what somebody has put into their own.
select set_config('search_path', format('%I, pg_temp', current_schema()), true);

create function partition_bound(kind text, moment timestamptz) returns text
language sql stable set search_path from current set timezone = 'UTC' as $f$
    select case kind
        when 'uuidv7' then (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid::text
        when 'date' then moment::date::text
        else moment::text
    end
$f$;

create function partition_time(kind text, bound text) returns timestamptz
language sql stable set search_path from current set timezone = 'UTC' as $f$
    select case kind
        when 'uuidv7' then to_timestamp(('x0000' || left(replace(bound, '-', ''), 12))::bit(64)::bigint / 1000.0)
        when 'date' then bound::date::timestamptz
        else bound::timestamptz
    end
$f$;

create function list_partitions(parent text)
returns table (name text, from_at timestamptz, to_at timestamptz, is_default boolean)
language sql stable set search_path from current set timezone = 'UTC' as $f$
    select
        c.relname,
        partition_time(p.key_kind, substring(b.bound from $r$ FROM \('([^']*)'\)$r$)),
        partition_time(p.key_kind, substring(b.bound from $r$ TO \('([^']*)'\)$r$)),
        b.bound = 'DEFAULT'
    from partitioned_tables p
    join pg_inherits i on i.inhparent = to_regclass(quote_ident(p.name))
    join pg_class c on c.oid = i.inhrelid
    cross join lateral (select pg_get_expr(c.relpartbound, c.oid) as bound) b
    where p.name = parent
    order by 3 nulls last
$f$;

comment on function list_partitions is 'The partitions of a table with their bounds; null for none.';

-- Triggers for statements are not those of the partitions, and rights are only given to the whole.
create function guard_partition(parent text, child text) returns void
language plpgsql set search_path from current as $f$
declare
    guard record;
begin
    for guard in
        select t.tgname, t.tgtype::int as kind, t.tgfoid::regproc as action
        from pg_trigger t
        where t.tgrelid = to_regclass(quote_ident(parent)) and not t.tgisinternal and t.tgtype::int & 1 = 0
            and not exists (select from pg_trigger o where o.tgrelid = to_regclass(quote_ident(child)) and o.tgname = t.tgname)
    loop
        execute format(
            'create trigger %I %s %s on %I for each statement execute function %s()',
            guard.tgname,
            case when guard.kind & 2 = 2 then 'before' else 'after' end,
            concat_ws(
                ' or ',
                case when guard.kind & 4 = 4 then 'insert' end,
                case when guard.kind & 8 = 8 then 'delete' end,
                case when guard.kind & 16 = 16 then 'update' end,
                case when guard.kind & 32 = 32 then 'truncate' end
            ),
            child,
            guard.action
        );
    end loop;
    for guard in
        select distinct case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as role
        from pg_class c
        cross join lateral aclexplode(c.relacl) a
        where c.oid = to_regclass(quote_ident(child)) and a.grantee <> c.relowner
    loop
        execute format('revoke all on %I from %s', child, guard.role);
    end loop;
end
$f$;

-- Attaching asks for less of the parent than making it as a partition: those who read and write it go on.
create function make_partition(parent text, child text, bounds text) returns void
language plpgsql set search_path from current as $f$
begin
    execute format('create table %I (like %I including defaults including constraints including storage)', child, parent);
    perform guard_partition(parent, child);
    execute format('alter table %I attach partition %I %s', parent, child, bounds);
    execute format('comment on table %I is %L', child, 'A part of ' || parent || '.');
end
$f$;

-- What came when there was no partition for it stands in the default one. That becomes the partition it should have been.
create function take_in_default(parent text, newest timestamptz) returns timestamptz
language plpgsql set search_path from current set timezone = 'UTC' as $f$
declare
    kept partitioned_tables;
    key text;
    strays text := parent || '_default';
    highest text;
    upper timestamptz;
begin
    select * into kept from partitioned_tables p where p.name = parent;
    select a.attname into key
    from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = to_regclass(quote_ident(parent));
    execute format('select %1$I::text from %2$I order by %1$I desc limit 1', key, strays) into highest;
    if highest is null then
        return newest;
    end if;
    execute format('lock table only %I in access exclusive mode', parent);
    execute format('select %1$I::text from %2$I order by %1$I desc limit 1', key, strays) into highest;
    upper := date_trunc(kept.width, partition_time(kept.key_kind, highest)) + ('1 ' || kept.width)::interval;
    execute format('alter table %I detach partition %I', parent, strays);
    execute format('alter table %I rename to %I', strays, partition_name(parent, newest));
    execute format(
        'alter table %I attach partition %I for values from (%L) to (%L)',
        parent,
        partition_name(parent, newest),
        partition_bound(kept.key_kind, newest),
        partition_bound(kept.key_kind, upper)
    );
    perform make_partition(parent, strays, 'default');
    return upper;
end
$f$;

create function partition_name(parent text, from_at timestamptz) returns text
language sql stable set search_path from current set timezone = 'UTC' as $f$
    select parent || '_p' || to_char(from_at, case p.width when 'month' then 'YYYYMM' else 'YYYYMMDD' end)
    from partitioned_tables p
    where p.name = parent
$f$;

-- How a table that is there becomes partitioned, without reading it under a strong lock: a check that all its rows lie before the end
-- of the next month (here, not valid), the validation of that check (a migration of its own), and then the table becomes the first
-- partition of one with its name (`attach_past`). If a clock was ahead at some time, the first partition is longer.
create function limit_past(parent text, key text, kind text) returns void
language plpgsql set search_path from current set timezone = 'UTC' as $f$
declare
    highest text;
    newest timestamptz;
begin
    if kind = 'uuidv7' then
        -- By the index of the primary key.
        execute format('select %1$I::text from %2$I order by %1$I desc limit 1', key, parent) into highest;
    end if;
    newest := greatest(partition_time(kind, highest), now());
    if newest > now() + interval '10 years' then
        newest := now();
    end if;
    execute format(
        'alter table %I add constraint %I check (%I < %L) not valid',
        parent,
        parent || '_past_check',
        key,
        partition_bound(kind, date_trunc('month', newest) + interval '2 months')
    );
end
$f$;

create function attach_past(parent text) returns void
language plpgsql set search_path from current set timezone = 'UTC' as $f$
declare
    past text := parent || '_past';
    limited text := parent || '_past_check';
    bound text;
    was record;
begin
    select substring(pg_get_constraintdef(c.oid) from $r$ < '([^']*)'$r$) into strict bound
    from pg_constraint c
    where c.conrelid = to_regclass(quote_ident(past)) and c.conname = limited and c.convalidated;
    execute format('alter table %I drop constraint if exists %I', parent, limited);
    perform guard_partition(past, parent);
    for was in
        select a.privilege_type, case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as role
        from pg_class c
        cross join lateral aclexplode(c.relacl) a
        where c.oid = to_regclass(quote_ident(past)) and a.grantee <> c.relowner
    loop
        execute format('grant %s on %I to %s', was.privilege_type, parent, was.role);
    end loop;
    perform guard_partition(parent, past);
    execute format('comment on table %I is %L', parent, obj_description(to_regclass(quote_ident(past)), 'pg_class'));
    execute format('comment on table %I is %L', past, 'A part of ' || parent || '.');
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', parent, past, bound);
    execute format('alter table %I drop constraint %I', past, limited);
end
$f$;

create function create_partitions(moment timestamptz) returns text[]
language plpgsql security definer set search_path from current set timezone = 'UTC' as $f$
declare
    kept partitioned_tables;
    newest timestamptz;
    step interval;
    bounds text;
    made text[] := '{}';
begin
    -- One at a time; who comes second finds everything made.
    lock table partitioned_tables in share row exclusive mode;
    for kept in
        select p.*
        from partitioned_tables p
        join pg_class c on c.oid = to_regclass(quote_ident(p.name)) and c.relkind = 'p'
        order by p.name
    loop
        step := ('1 ' || kept.width)::interval;
        if not exists (select from list_partitions(kept.name) l where l.is_default) then
            perform make_partition(kept.name, kept.name || '_default', 'default');
        end if;
        select max(l.to_at) into newest from list_partitions(kept.name) l;
        if newest is null then
            newest := date_trunc(kept.width, moment) + step;
            bounds := format('for values from (minvalue) to (%L)', partition_bound(kept.key_kind, newest));
            perform make_partition(kept.name, kept.name || '_past', bounds);
        end if;
        newest := take_in_default(kept.name, newest);
        while newest <= date_trunc(kept.width, moment) + 2 * step loop
            bounds := format(
                'for values from (%L) to (%L)',
                partition_bound(kept.key_kind, newest),
                partition_bound(kept.key_kind, date_trunc(kept.width, newest) + step)
            );
            perform make_partition(kept.name, partition_name(kept.name, newest), bounds);
            made := made || partition_name(kept.name, newest);
            newest := date_trunc(kept.width, newest) + step;
        end loop;
    end loop;
    return made;
end
$f$;

comment on function create_partitions is 'Makes what is missing of all tables, to the end of the second period after that of the moment. Returns names.';

-- From the oldest on, and no further than the first that is still needed: a row lives on with all that are younger.
create function list_partitions_over(parent text, before timestamptz) returns table (name text, to_at timestamptz)
language plpgsql stable set search_path from current as $f$
declare
    over_at text := (select p.over_at from partitioned_tables p where p.name = parent);
    needed boolean := false;
begin
    for name, to_at in select l.name, l.to_at from list_partitions(parent) l where l.to_at <= before order by l.to_at loop
        if over_at is not null then
            execute format(
                'select exists (select from %1$I where %2$I > $1) or exists (select from %1$I where %2$I is null)', name, over_at
            ) into needed using before;
        end if;
        exit when needed;
        return next;
    end loop;
end
$f$;

-- What is too late for its partition goes to `_past`, which has no beginning. So only the future is without a partition.
create function drop_partitions_over(parent text, before timestamptz) returns text[]
language plpgsql set search_path from current set timezone = 'UTC' as $f$
declare
    past text := parent || '_past';
    over text[];
    dropped text[] := '{}';
    upper timestamptz;
    is_empty boolean;
begin
    select array_agg(o.name) into over from list_partitions_over(parent, before) o;
    execute format('select not exists (select from %I)', past) into is_empty;
    if over is null or (over = array[past] and is_empty) then
        return dropped;
    end if;
    execute format('lock table only %I in access exclusive mode', parent);
    for past, upper in select o.name, o.to_at from list_partitions_over(parent, before) o loop
        execute format('alter table %I detach partition %I', parent, past);
        execute format('drop table %I', past);
        dropped := dropped || past;
    end loop;
    if dropped <> '{}' then
        perform make_partition(
            parent,
            parent || '_past',
            format('for values from (minvalue) to (%L)', partition_bound(p.key_kind, upper))
        )
        from partitioned_tables p
        where p.name = parent;
    end if;
    return dropped;
end
$f$;

create function drop_partitions(parent text, before timestamptz) returns text[]
language plpgsql security definer set search_path from current set timezone = 'UTC' as $f$
begin
    if not exists (select from partitioned_tables p where p.name = parent and not p.guarded) then
        raise exception '% is not dropped by its age', parent using errcode = 'insufficient_privilege';
    end if;
    lock table partitioned_tables in share row exclusive mode;
    return drop_partitions_over(parent, before);
end
$f$;

comment on function drop_partitions is 'Drops the partitions that end before, and whose rows are all over by then. Returns their names.';

revoke execute on function create_partitions(timestamptz), drop_partitions(text, timestamptz) from public;

select limit_past('audit_events', 'id', 'uuidv7');
select limit_past('audit_details', 'event_id', 'uuidv7');
select limit_past('audit_changes', 'event_id', 'uuidv7');
select limit_past('refresh_tokens', 'created_at', 'timestamptz');
