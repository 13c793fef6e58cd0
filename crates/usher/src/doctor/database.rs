//! What grows and what stands in the way: sizes, dead rows, indexes, transactions that stay open, partitions.

use fluent_bundle::{FluentArgs, FluentValue};
use jiff::{SignedDuration, Timestamp};

use super::{Finding, Verdict, finding};
use crate::app::App;
use crate::db::migrations;
use crate::languages::now;
use crate::measures;

/// Tables that are named with their size.
const BIGGEST: i64 = 5;
/// Fewer dead rows are not worth a word, whatever their share.
const DEAD_MIN: i64 = 10_000;
const DEAD_PERCENT: i64 = 30;
/// What a transaction of usher never takes: its statements are stopped after seconds.
const LONG: SignedDuration = SignedDuration::from_mins(5);
/// Write-ahead log that a slot may hold back, in bytes.
const SLOT_MAX: i64 = 1 << 30;

/// With `is_newer`, a newer release may have taken indexes away.
pub async fn examine(app: &App, is_newer: bool) -> anyhow::Result<Vec<Finding>> {
    Ok(vec![
        examine_sizes(app).await?,
        examine_bloat(app).await?,
        examine_indexes(app, is_newer).await?,
        examine_transactions(app, LONG).await?,
        examine_slots(app).await?,
        examine_partitions(app).await?,
    ])
}

/// Fine, or what is wrong.
fn told(check: &'static str, wrong: &[String], fine: impl Into<String>) -> Finding {
    if wrong.is_empty() { finding(check, Verdict::Ok, fine) } else { finding(check, Verdict::Warning, wrong.join("; ")) }
}

fn bytes(size: i64) -> String {
    measures::bytes(size.unsigned_abs())
}

async fn examine_sizes(app: &App) -> anyhow::Result<Finding> {
    let sql = "
        select
            coalesce(pg_partition_root(c.oid)::oid, c.oid)::regclass::text as name,
            sum(pg_total_relation_size(c.oid))::int8 as bytes,
            pg_database_size(current_database()) as total
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'm', 'p')
        group by 1
        order by 2 desc, 1
        limit $1";
    let rows = app.db.pipeline().query(sql, &[&BIGGEST]).await?;
    let total = rows.first().map_or(0, |row| row.get("total"));
    let biggest: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row.get::<_, &str>("name"), bytes(row.get("bytes")))).collect();
    let sizes = FluentArgs::from_iter([("size", bytes(total)), ("tables", biggest.join(", "))]);
    Ok(finding("sizes", Verdict::Ok, now().say("health-sizes", &sizes)))
}

async fn examine_bloat(app: &App) -> anyhow::Result<Finding> {
    let sql = "
        select relname::text, n_dead_tup * 100 / (n_dead_tup + n_live_tup) as percent, greatest(last_vacuum, last_autovacuum) as at
        from pg_stat_user_tables
        where schemaname = current_schema() and n_dead_tup >= $1 and n_dead_tup * 100 >= (n_dead_tup + n_live_tup) * $2
        order by n_dead_tup desc
        limit $3";
    let rows = app.db.pipeline().query(sql, &[&DEAD_MIN, &DEAD_PERCENT, &BIGGEST]).await?;
    let wrong = rows.iter().map(|row| {
        let (name, percent): (&str, i64) = (row.get("relname"), row.get("percent"));
        let vacuumed = measures::time_or(row.get("at"), "never");
        let values: [(&str, FluentValue<'_>); 3] =
            [("table", name.into()), ("percent", percent.into()), ("vacuumed", vacuumed.into())];
        now().say("health-dead-rows", &FluentArgs::from_iter(values))
    });
    let fine = now().say("health-no-dead-rows", &FluentArgs::from_iter([("percent", DEAD_PERCENT)]));
    Ok(told("bloat", &wrong.collect::<Vec<_>>(), fine))
}

async fn examine_indexes(app: &App, is_newer: bool) -> anyhow::Result<Finding> {
    let sql = "
        select c.relname::text as name, i.indisvalid and i.indisready as is_good
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = current_schema()::regnamespace
        order by 1";
    let rows = app.db.pipeline().query(sql, &[]).await?;
    let there: Vec<(&str, bool)> = rows.iter().map(|row| (row.get("name"), row.get("is_good"))).collect();
    let invalid = |name: &str| now().say("health-index-invalid", &FluentArgs::from_iter([("index", name)]));
    let mut wrong: Vec<String> = there.iter().filter(|(_, is_good)| !is_good).map(|(name, _)| invalid(name)).collect();
    if !is_newer {
        let asked = app.db.pipeline().query("select name, state, detail from attribute_indexes", &[]).await?;
        let of_state = |state: &'static str| asked.iter().filter(move |row| row.get::<_, &str>("state") == state);
        let known = migrations::indexes().into_iter().chain(of_state("ready").map(|row| row.get("name")));
        let missing = known.filter(|name| there.iter().all(|(found, _)| found != name));
        wrong.extend(of_state("failed").map(|row| {
            let mut values = FluentArgs::from_iter([("index", row.get::<_, &str>("name"))]);
            values.set("why", row.get::<_, Option<&str>>("detail").unwrap_or_default().to_owned());
            now().say("health-index-failed", &values)
        }));
        wrong.extend(missing.map(|name| now().say("health-index-missing", &FluentArgs::from_iter([("index", name)]))));
    }
    let fine = now().say("health-indexes", &FluentArgs::from_iter([("count", there.len())]));
    Ok(told("indexes", &wrong, fine))
}

/// A role without rights on statistics sees the sessions of its own only.
pub(super) async fn examine_transactions(app: &App, long: SignedDuration) -> anyhow::Result<Finding> {
    let sql = "
        select
            'process' as kind,
            pid || ' (' || concat_ws(', ', nullif(application_name, ''), state) || ')' as name,
            xact_start as since
        from pg_stat_activity
        where datname = current_database() and xact_start < clock_timestamp() - make_interval(secs => $1) and pid <> pg_backend_pid()
        union all
        select 'prepared', quote_literal(gid), prepared
        from pg_prepared_xacts
        where database = current_database() and prepared < clock_timestamp() - make_interval(secs => $1)
        order by 3";
    let rows = app.db.pipeline().query(sql, &[&long.as_secs_f64()]).await?;
    let wrong = rows.iter().map(|row| {
        let since: Timestamp = row.get("since");
        let mut values = FluentArgs::from_iter([("kind", row.get::<_, &str>("kind")), ("name", row.get("name"))]);
        values.set("since", measures::time(since));
        now().say("health-transaction", &values)
    });
    let fine = now().say("health-no-transaction", &FluentArgs::from_iter([("minutes", long.as_mins())]));
    Ok(told("transactions", &wrong.collect::<Vec<_>>(), fine))
}

async fn examine_slots(app: &App) -> anyhow::Result<Finding> {
    let sql = "
        select slot_name::text, active, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::int8 as held,
            coalesce(wal_status = 'lost', false) as is_lost
        from pg_replication_slots";
    let rows = app.db.pipeline().query(sql, &[]).await?;
    let wrong = rows.iter().filter_map(|row| {
        let (name, held): (&str, i64) = (row.get("slot_name"), row.get("held"));
        if row.get("is_lost") {
            return Some(now().say("health-slot-lost", &FluentArgs::from_iter([("slot", name)])));
        }
        let used = if row.get("active") { "somebody" } else { "nobody" };
        let mut values = FluentArgs::from_iter([("slot", name), ("used", used)]);
        values.set("held", bytes(held));
        (held > SLOT_MAX).then(|| now().say("health-slot-holds", &values))
    });
    let fine = now().say("health-slots", &FluentArgs::from_iter([("count", rows.len())]));
    Ok(told("replication slots", &wrong.collect::<Vec<_>>(), fine))
}

async fn examine_partitions(app: &App) -> anyhow::Result<Finding> {
    let sql = "
        select
            p.name,
            max(l.to_at) as until,
            coalesce(max(l.to_at) < $1::timestamptz + ('1 ' || p.width)::interval, true) as is_short,
            coalesce(pg_relation_size(to_regclass(quote_ident(p.name || '_default'))) > 0, false) as has_strays,
            p.guarded and $2::int4 is not null and coalesce(p.kept_days > $2, true) as is_kept
        from partitioned_tables p
        left join lateral list_partitions(p.name) l on true
        group by p.name
        order by p.name";
    let days = app.config.audit.retention_days.and_then(|days| i32::try_from(days).ok());
    let rows = app.db.pipeline().query(sql, &[&app.clock.now(), &days]).await?;
    let mut wrong = Vec::new();
    for row in &rows {
        let mut values = FluentArgs::from_iter([("table", row.get::<_, &str>("name"))]);
        if row.get("is_short") {
            values.set("until", measures::time_or(row.get("until"), "never"));
            wrong.push(now().say("health-partitions-short", &values));
        }
        if row.get("has_strays") {
            wrong.push(now().say("health-partitions-strays", &values));
        }
        if row.get("is_kept") {
            wrong.push(now().say("health-partitions-kept", &values));
        }
    }
    let fine = now().say("health-partitions", &FluentArgs::from_iter([("count", rows.len())]));
    Ok(told("partitions", &wrong, fine))
}
