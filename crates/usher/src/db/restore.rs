//! Putting a dump into the database, within one transaction: either all of it is there at the end, or nothing has changed.

use std::collections::BTreeMap;
use std::pin::pin;

use anyhow::{Context, bail};
use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio_postgres::Client;

/// Rows travel in pieces of this size, in bytes.
const PIECE: usize = 64 * 1024;

/// Programs that use the database beside this connection, as far as this role may see. What it may not see may be usher.
const OTHERS: &str = "
    select distinct coalesce(usename, '?') || ' (' || coalesce(nullif(application_name, ''), 'no name') || ')'
    from pg_stat_activity
    where datname = current_database()
        and pid <> pg_backend_pid()
        and usename is not null
        and (application_name = 'usher' or backend_type is null)
        and (backend_type = 'client backend' or backend_type is null)";

/// What the schema holds that no extension has brought. A partition belongs to its table, which in turn depends on columns of its own.
const OWN_RELATIONS: &str = "
    select c.oid, c.relname, c.relkind, c.relpersistence
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace
        and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and not exists (
            select from pg_depend d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'a', 'i') and d.refobjid <> c.oid
        )";

/// Drops them, and functions and types too.
const WIPE: &str = "
    do $$
    declare
        statement text;
        statements text[];
    begin
        select array_agg(s) into statements
        from (
            select format(
                'drop %s if exists %s cascade',
                case c.relkind
                    when 'v' then 'view'
                    when 'm' then 'materialized view'
                    when 'f' then 'foreign table'
                    when 'S' then 'sequence'
                    else 'table'
                end,
                c.oid::regclass
            )
            from pg_class c
            where c.relnamespace = current_schema()::regnamespace
                and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
                and not exists (
                    select from pg_depend d
                    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'a', 'i') and d.refobjid <> c.oid
                )
            union all
            select format('drop routine if exists %s cascade', p.oid::regprocedure)
            from pg_proc p
            where p.pronamespace = current_schema()::regnamespace
                and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
            union all
            select format('drop type if exists %s cascade', t.oid::regtype)
            from pg_type t
            where t.typnamespace = current_schema()::regnamespace
                and t.typtype in ('e', 'd')
                and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
        ) as all_statements (s);
        foreach statement in array coalesce(statements, '{}') loop
            execute statement;
        end loop;
    end
    $$";

/// The programs that use the database now, each by its role and name.
pub async fn others(client: &Client) -> anyhow::Result<Vec<String>> {
    Ok(client.query(OTHERS, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// How many rows each table has, but for those that a crash may empty.
pub async fn count_rows(client: &Client) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut counts = BTreeMap::new();
    for row in client.query(OWN_RELATIONS, &[]).await? {
        let (name, kind, persistence): (String, i8, i8) = (row.get("relname"), row.get("relkind"), row.get("relpersistence"));
        let is_table = [b'r', b'p'].iter().any(|table| kind == table.cast_signed());
        if is_table && persistence == b'p'.cast_signed() {
            let quoted = name.replace('"', "\"\"");
            let count = client.query_one(&format!("select count(*) from \"{quoted}\""), &[]).await?.get(0);
            counts.insert(name, count);
        }
    }
    Ok(counts)
}

/// Whether anything is there.
pub async fn is_empty(client: &Client) -> anyhow::Result<bool> {
    Ok(client.query(OWN_RELATIONS, &[]).await?.is_empty())
}

/// Drops everything that usher has made.
pub async fn wipe(client: &Client) -> anyhow::Result<()> {
    client.batch_execute(WIPE).await.context("dropping what the database holds")
}

/// Runs a script as `pg_restore` writes it: statements, and rows behind `COPY ... FROM stdin`. What it sets holds only until the end
/// of the script.
pub async fn load(client: &Client, mut script: impl AsyncBufRead + Unpin) -> anyhow::Result<()> {
    let mut statements = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if script.read_until(b'\n', &mut line).await? == 0 {
            break;
        }
        let text = std::str::from_utf8(&line).context("the script is no UTF-8")?;
        if let Some(copy) = text.trim_end().strip_suffix(" FROM stdin;").filter(|_| text.starts_with("COPY ")) {
            client.batch_execute(&std::mem::take(&mut statements)).await?;
            copy_rows(client, &format!("{copy} FROM stdin"), &mut script).await.with_context(|| copy.to_owned())?;
        } else if ["\\restrict ", "\\unrestrict "].iter().any(|mark| text.starts_with(mark)) {
            // They are for psql, which would run what else begins so.
        } else if text.starts_with('\\') {
            bail!("the script has a command for psql: {}", text.trim_end());
        } else {
            statements.push_str(text);
        }
    }
    client.batch_execute(&statements).await?;
    // Among others an empty search path, and no bound on anything.
    client.batch_execute("reset all").await?;
    Ok(())
}

async fn copy_rows(client: &Client, copy: &str, script: &mut (impl AsyncBufRead + Unpin)) -> anyhow::Result<()> {
    let mut rows = pin!(client.copy_in::<_, Bytes>(copy).await?);
    let mut piece = BytesMut::with_capacity(PIECE);
    let mut line = Vec::new();
    loop {
        line.clear();
        if script.read_until(b'\n', &mut line).await? == 0 {
            bail!("the script ends among the rows of a table");
        }
        if line == b"\\.\n" {
            break;
        }
        piece.extend_from_slice(&line);
        if piece.len() >= PIECE {
            rows.send(piece.split().freeze()).await?;
        }
    }
    rows.send(piece.freeze()).await?;
    rows.finish().await?;
    Ok(())
}
