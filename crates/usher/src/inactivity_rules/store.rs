//! The SQL of rules on inactivity.

use jiff::civil::Date;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Rule, RuleAction, Terms};
use crate::caller::PermissionSet;
use crate::db::{DbResult, Tx};
use crate::id::InactivityRuleId;

/// Nobody else makes a rule until the transaction ends. Reading goes on, and so do the turns.
pub async fn lock_rules(tx: &mut Tx) -> DbResult<()> {
    tx.execute("lock table inactivity_rules in share update exclusive mode", &[]).await?;
    Ok(())
}

pub async fn count_rules(tx: &mut Tx) -> DbResult<i64> {
    Ok(tx.query_one("select count(*) from inactivity_rules", &[]).await?.get(0))
}

pub async fn insert_rule(tx: &mut Tx, id: InactivityRuleId, terms: &Terms, permissions: PermissionSet) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into inactivity_rules (
            id, name, action, after_days, filter, exempt, warned_days, enabled, permissions, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";
    let params: [&(dyn ToSql + Sync); 10] = [
        &id,
        &terms.name,
        &terms.action.as_str(),
        &terms.after_days,
        &terms.filter,
        &terms.exempt,
        &terms.warned_days,
        &terms.enabled,
        &permissions.names(),
        &now,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

pub async fn update_rule(tx: &mut Tx, id: InactivityRuleId, terms: &Terms, permissions: PermissionSet) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update inactivity_rules
        set name = $2, action = $3, after_days = $4, filter = $5, exempt = $6, warned_days = $7, enabled = $8, permissions = $9,
            version = version + 1, updated_at = $10
        where id = $1";
    let params: [&(dyn ToSql + Sync); 10] = [
        &id,
        &terms.name,
        &terms.action.as_str(),
        &terms.after_days,
        &terms.filter,
        &terms.exempt,
        &terms.warned_days,
        &terms.enabled,
        &permissions.names(),
        &now,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

pub async fn list_rules(tx: &mut Tx) -> DbResult<Vec<Rule>> {
    let sql = "
        select id, name, action, after_days, filter, exempt, warned_days, enabled, permissions, last_run_on, last_run_id, last_error,
            version, created_at, updated_at
        from inactivity_rules
        order by name_normal";
    Ok(tx.query(sql, &[]).await?.iter().filter_map(rule).collect())
}

pub async fn find_rule(tx: &mut Tx, id: InactivityRuleId) -> DbResult<Option<Rule>> {
    let sql = "
        select id, name, action, after_days, filter, exempt, warned_days, enabled, permissions, last_run_on, last_run_id, last_error,
            version, created_at, updated_at
        from inactivity_rules
        where id = $1";
    Ok(tx.query_opt(sql, &[&id]).await?.as_ref().and_then(rule))
}

pub async fn find_by_name(tx: &mut Tx, name: &str) -> DbResult<Option<InactivityRuleId>> {
    let sql = "
        select id
        from inactivity_rules
        where name_normal = lower($1)";
    Ok(tx.query_opt(sql, &[&name]).await?.map(|row| row.get(0)))
}

pub async fn list_enabled(tx: &mut Tx) -> DbResult<Vec<InactivityRuleId>> {
    let sql = "
        select id
        from inactivity_rules
        where enabled
        order by id";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

pub async fn lock_rule(tx: &mut Tx, id: InactivityRuleId) -> DbResult<()> {
    tx.execute("select from inactivity_rules where id = $1 for update", &[&id]).await?;
    Ok(())
}

/// Takes the turn of the day. False when it has none: a run that somebody has halted, or that goes on, is ended first.
pub async fn update_last_run_on(tx: &mut Tx, id: InactivityRuleId, today: Date) -> DbResult<bool> {
    let sql = "
        update inactivity_rules r
        set last_run_on = $2, last_error = null
        where r.id = $1
            and r.enabled
            and (r.last_run_on is null or r.last_run_on < $2)
            and not exists (select from bulk_runs b where b.id = r.last_run_id and b.state in ('running', 'paused'))";
    Ok(tx.execute(sql, &[&id, &today]).await? == 1)
}

pub async fn update_last_run_id(tx: &mut Tx, id: InactivityRuleId, run: Uuid) -> DbResult<()> {
    tx.execute("update inactivity_rules set last_run_id = $2 where id = $1", &[&id, &run]).await?;
    Ok(())
}

pub async fn update_last_error(tx: &mut Tx, id: InactivityRuleId, error: &str) -> DbResult<()> {
    tx.execute("update inactivity_rules set last_error = $2 where id = $1", &[&id, &error]).await?;
    Ok(())
}

pub async fn delete_rule(tx: &mut Tx, id: InactivityRuleId) -> DbResult<()> {
    tx.execute("delete from inactivity_rules where id = $1", &[&id]).await?;
    Ok(())
}

/// None of an action of a later release: this one does not know what it does.
fn rule(row: &Row) -> Option<Rule> {
    let permissions: Vec<&str> = row.get("permissions");
    Some(Rule {
        id: row.get("id"),
        name: row.get("name"),
        action: RuleAction::parse(row.get("action"))?,
        after_days: row.get("after_days"),
        filter: row.get("filter"),
        exempt: row.get("exempt"),
        warned_days: row.get("warned_days"),
        enabled: row.get("enabled"),
        permissions: PermissionSet::from_names(&permissions).iter().collect(),
        last_run_on: row.get("last_run_on"),
        last_run_id: row.get("last_run_id"),
        last_error: row.get("last_error"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    })
}
