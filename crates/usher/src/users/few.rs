//! Few users: found by their own indexes, counted and sorted. How many PostgreSQL expects says whether that is worth trying.

use super::filter::Written;
use super::list::{Cursor, Filter, Sort, after, order, select};
use super::search::Patterns;
use super::surroundings::Surroundings;
use crate::db::page::{Limit, Total};
use crate::db::{Conditions, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;

/// So many are few.
pub const FEW: i64 = 10_000;
/// Where PostgreSQL expects so many, they are more than few, as far as it may err.
const MANY: i64 = 5 * FEW;

/// A search's two look-ups, each with all other conditions: of users by their names, and of users by their addresses.
struct LookUps {
    by_name: String,
    by_address: String,
}

const COLUMNS: &str = "u.id, u.created_at, u.username_normal";

impl LookUps {
    /// Whoever is found by name need not be looked up by address: `unless` says whom that leaves out.
    fn new(q: &str, filter: &Filter, around: &Surroundings, unless: &str, into: &mut Conditions) -> Result<Self, Rejection> {
        let rest = Filter { q: None, ..filter.clone() };
        select(&rest, around, Written::ForFew, into)?;
        let patterns = Patterns::bind(q, into)?;
        let (rest, in_names, in_address) = (into.sql(), patterns.in_names("u"), patterns.in_address());
        let by_name = format!("select {COLUMNS} from users u where {rest} and {in_names}");
        let by_address = format!(
            "select {COLUMNS} from users u where {rest} and u.id in (select e.user_id from emails e where {in_address} {unless})"
        );
        Ok(Self { by_name, by_address })
    }
}

/// A statement that finds those whom the filter fits, up to one more than [`FEW`].
fn find(filter: &Filter, around: &Surroundings, into: &mut Conditions) -> Result<String, Rejection> {
    let few = into.bind(FEW + 1);
    let Some(q) = &filter.q else {
        select(filter, around, Written::ForFew, into)?;
        return Ok(format!("select {COLUMNS} from users u where {} limit {few}", into.sql()));
    };
    let unless = "and not exists (select from named n where n.id = e.user_id)";
    let LookUps { by_name, by_address } = LookUps::new(q, filter, around, unless, into)?;
    Ok(format!(
        "with named as materialized ({by_name} limit {few})
        select * from named union all ({by_address}) limit {few}"
    ))
}

/// How many there are, up to one more than [`FEW`], and the page if they are few.
pub async fn among_few(
    tx: &mut Tx,
    around: &Surroundings,
    filter: &Filter,
    sort: Sort,
    limit: Limit,
    cursor: Option<&Cursor>,
) -> AppResult<(i64, Vec<UserId>)> {
    let mut conditions = Conditions::default();
    let find = find(filter, around, &mut conditions)?;
    let (after, order) = (after(cursor, "f", &mut conditions), order(sort, "f"));
    let limit = conditions.bind(limit.and_one());
    let sql = format!(
        "with found as materialized ({find})
        select (select count(*) from found) as total, array(select f.id from found f where {after} order by {order} limit {limit})"
    );
    let rows = tx.query_once(&sql, &conditions.params()).await?;
    Ok(rows.first().map_or((0, Vec::new()), |row| (row.get(0), row.get(1))))
}

/// Exactly if they are few, else as many as PostgreSQL expects. Of texts, statuses and times it keeps statistics, which are out of date
/// for a while after many have changed: where it expects many and there is more than a page of them, it is believed.
pub async fn count(tx: &mut Tx, around: &Surroundings, filter: &Filter, is_more_than_a_page: bool) -> AppResult<Total> {
    let is_known = filter.filter.is_none() && filter.role.is_none();
    if is_known && is_more_than_a_page {
        let expected = expect(tx, around, filter).await?;
        if expected >= MANY {
            return about(tx, around, filter, expected).await;
        }
    }
    let counted = up_to_few(tx, around, filter).await?;
    if counted <= FEW {
        return Ok(Total::exactly(counted));
    }
    let expected = expect(tx, around, filter).await?;
    about(tx, around, filter, expected).await
}

/// More than few, and no more than there are.
async fn about(tx: &mut Tx, around: &Surroundings, filter: &Filter, expected: i64) -> AppResult<Total> {
    let everybody = Filter { status: filter.status, ..Filter::default() };
    let most = expect(tx, around, &everybody).await?;
    Ok(Total { count: expected.min(most).max(FEW + 1), exact: false })
}

/// How many there are, up to one more than [`FEW`].
async fn up_to_few(tx: &mut Tx, around: &Surroundings, filter: &Filter) -> AppResult<i64> {
    let mut conditions = Conditions::default();
    let find = find(filter, around, &mut conditions)?;
    let rows = tx.query_once(&format!("select count(*) from ({find}) as few"), &conditions.params()).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// As many as PostgreSQL expects. Whom a search finds by name it mostly finds by address too: they are not counted twice.
pub async fn expect(tx: &mut Tx, around: &Surroundings, filter: &Filter) -> AppResult<i64> {
    let mut conditions = Conditions::default();
    let asked = if let Some(q) = &filter.q {
        let LookUps { by_name, by_address } = LookUps::new(q, filter, around, "", &mut conditions)?;
        format!("{by_name} union all {by_address}")
    } else {
        select(filter, around, Written::ForFew, &mut conditions)?;
        format!("select from users u where {}", conditions.sql())
    };
    let rows = tx.query_once(&format!("explain (format json) {asked}"), &conditions.params()).await?;
    let plan: serde_json::Value = rows.first().map(|row| row.get(0)).unwrap_or_default();
    let plan = &plan[0]["Plan"];
    let of = |plan: &serde_json::Value| plan["Plan Rows"].as_i64().unwrap_or_default();
    let alternatives = plan["Plans"].as_array().filter(|_| filter.q.is_some() && plan["Node Type"] == "Append");
    Ok(alternatives.and_then(|plans| plans.iter().map(of).max()).unwrap_or_else(|| of(plan)))
}
