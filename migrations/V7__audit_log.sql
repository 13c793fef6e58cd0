-- The audit trail becomes a log that is append-only, sealed, and can forget persons (R-260, R-261, R-286). What may be personal goes
-- from `audit_events` into `audit_details`, to which each event commits by a salted hash. The release before this one wrote these
-- columns, so it does not run on this schema: stop it before migrating.

-- Every change but an insertion is refused, to the tables' owner too. `usher migrate --grant-to` reads the trigger's name.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

-- Details may go when a person has gone whom they concern.
create function refuse_erasure_of_the_living() returns trigger language plpgsql as $$
begin
    if exists (
        select from audit_events e
        where e.id = old.event_id
            and (
                (e.actor_id is not null and not exists (select from users u where u.id = e.actor_id))
                or (e.subject_id is not null and not exists (select from users u where u.id = e.subject_id))
            )
    ) then
        return old;
    end if;
    raise exception 'audit_details are erased only when the person they concern is purged' using errcode = 'restrict_violation';
end
$$;

create table audit_details (
    event_id uuid not null,
    salt bytea not null,
    content text not null,
    constraint audit_details_pkey primary key (event_id),
    constraint audit_details_salt_check check (octet_length(salt) = 16)
);

comment on table audit_details is 'What may be personal of an audit event. Without foreign key: events are never deleted, and every sign-in would pay.';
comment on column audit_details.salt is 'Keeps erased details from being guessed by their hash.';
comment on column audit_details.content is 'JSON {"reason", "address", "user_agent", "changes"}, as text: byte by byte what was hashed. Never a secret.';

insert into audit_details (event_id, salt, content)
select
    id,
    uuid_send(gen_random_uuid()),
    jsonb_build_object('reason', reason, 'address', host(address), 'user_agent', user_agent, 'changes', changes)::text
from audit_events;

alter table audit_events
    add column subject_id uuid,
    add column details_hash bytea;

update audit_events e
set details_hash = sha256(d.salt || convert_to(d.content, 'UTF8')),
    subject_id = case e.target_kind
        when 'user' then e.target_id::uuid
        when 'session' then (select s.user_id from sessions s where s.id = e.target_id::uuid)
    end
from audit_details d
where d.event_id = e.id;

alter table audit_events
    alter column details_hash set not null,
    add constraint audit_events_details_hash_check check (octet_length(details_hash) = 32),
    drop column reason,
    drop column address,
    drop column user_agent,
    drop column changes;

create index audit_events_subject_id_idx on audit_events (subject_id, id) where subject_id is not null;

comment on table audit_events is 'Who did what and when. Written in the transaction of the change; append-only.';
comment on column audit_events.subject_id is 'The user, beside the actor, whom the details may concern: they go when the user is purged.';
comment on column audit_events.details_hash is 'SHA-256(salt || content) of audit_details: stays when the details are erased.';

create table audit_unsealed (
    xid xid8 not null default pg_current_xact_id(),
    event_id uuid not null,
    constraint audit_unsealed_pkey primary key (xid, event_id)
);

comment on table audit_unsealed is 'Events that wait for the sealer, which takes them when their transaction and all before it are over.';

insert into audit_unsealed (event_id)
select id
from audit_events;

create table audit_leaves (
    leaf_index bigint not null,
    event_id uuid not null,
    leaf_hash bytea not null,
    constraint audit_leaves_pkey primary key (leaf_index),
    constraint audit_leaves_event_id_key unique (event_id),
    constraint audit_leaves_leaf_index_check check (leaf_index >= 0),
    constraint audit_leaves_leaf_hash_check check (octet_length(leaf_hash) = 32)
);

comment on table audit_leaves is 'The place of each sealed event in the Merkle tree (RFC 9162); append-only.';

create table audit_checkpoints (
    tree_size bigint not null,
    note text not null,
    verifier_key text not null,
    edge bytea not null,
    sealed_at timestamptz not null,
    constraint audit_checkpoints_pkey primary key (tree_size),
    constraint audit_checkpoints_tree_size_check check (tree_size > 0)
);

comment on table audit_checkpoints is 'Signed states of the tree (C2SP tlog-checkpoint); append-only.';
comment on column audit_checkpoints.verifier_key is 'The public half of the key that signed it (C2SP signed-note), for monitors.';
comment on column audit_checkpoints.edge is 'The roots of the complete subtrees, from which the tree goes on.';

create table audit_keys (
    name text not null,
    private_key_sealed bytea not null,
    created_at timestamptz not null,
    constraint audit_keys_pkey primary key (name)
);

comment on table audit_keys is 'The key that signs checkpoints when USHER_AUDIT_KEY is not set: the newest one.';
comment on column audit_keys.private_key_sealed is 'Ed25519 PKCS#8, sealed and bound to the name.';

create trigger append_only before update or delete or truncate on audit_events
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_leaves
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on audit_checkpoints
    for each statement execute function refuse_change();
create trigger append_only before update or truncate on audit_details
    for each statement execute function refuse_change();
create trigger erasable before delete on audit_details
    for each row execute function refuse_erasure_of_the_living();
