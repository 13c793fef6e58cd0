//! What a role that does not own the tables may do: what usher needs, and nothing to a log that is append-only.

use anyhow::{Context, ensure};

use super::Db;

/// One statement for each table, read from the schema: a table with the trigger `append_only` takes rows and gives none up, unless
/// it has the trigger `erasable`, which decides row by row.
const GRANTS: &str = "
    select format(
        'revoke all on %1$s from %2$I; grant %3$s on %1$s to %2$I',
        c.oid::regclass,
        $1::text,
        case
            when c.relname in ('refinery_schema_history', 'schema_compatibility', 'partitioned_tables') then 'select'
            when e.oid is not null then 'select, insert, delete'
            when a.oid is not null then 'select, insert'
            else 'select, insert, update, delete'
        end
    )
    from pg_class c
    left join pg_trigger a on a.tgrelid = c.oid and a.tgname = 'append_only'
    left join pg_trigger e on e.tgrelid = c.oid and e.tgname = 'erasable'
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    union all
    select format('revoke all on %s from %I', c.oid::regclass, $1::text)
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relispartition and c.relkind in ('r', 'p')
    union all
    select format('grant execute on function %s to %I', p.oid::regprocedure, $1::text)
    from pg_proc p
    where p.pronamespace = current_schema()::regnamespace and p.prosecdef
    union all
    select format('grant usage on schema %I to %I', current_schema(), $1::text)";

/// Lets the role do what usher needs, and takes what it may have had beside.
pub async fn grant_to(db: &Db, role: &str) -> anyhow::Result<()> {
    let client = db.dedicated().await?;
    let known = "
        select rolsuper or pg_has_role(rolname, current_user, 'member') or rolname = current_user
        from pg_roles
        where rolname = $1";
    let known = client.query_opt(known, &[&role]).await.context("looking the role up")?;
    let owns: bool = known.with_context(|| format!("there is no role {role}: make it with `create role`"))?.get(0);
    ensure!(!owns, "the role {role} owns the tables or can become their owner: give another one");
    let grants = client.query(GRANTS, &[&role]).await.context("reading the schema")?;
    let grants: Vec<&str> = grants.iter().map(|row| row.get(0)).collect();
    client.batch_execute(&format!("begin; {}; commit", grants.join("; "))).await.context("granting")
}
