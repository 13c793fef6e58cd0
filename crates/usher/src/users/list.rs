//! Lists of users: filters, search and keyset pages. The statement is put together from fixed pieces; values are only ever bound.
//!
//! What is ordered and narrowed down at once has two plans, and PostgreSQL can't know which is good: few are found by their own
//! indexes and sorted, many are met soon on a walk in the order of the page. So PostgreSQL is asked how many it expects. Where it
//! expects many, a short walk is tried ([`Walk`]), which is enough if they are as many and stand anywhere; else up to [`FEW`] are found by
//! their indexes, and counted by that ([`super::few`]). If they are more after all, the walk goes as far as it takes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::few::{FEW, among_few, count, expect};
use super::filter::{self, Written};
use super::search::search;
use super::surroundings::Surroundings;
use super::{User, store};
use crate::caller::{Authority, UserStatus};
use crate::db::page::{self, Limit, Page, Total};
use crate::db::{Conditions, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::http::params::{is_storable, time};
use crate::id::UserId;

/// Which users, in which order, and how many.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserFilter")]
pub struct Filter {
    /// At most so many items.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// `next` of the page before; only together with the same `sort`.
    pub cursor: Option<String>,
    /// `-created_at` when left out.
    #[serde(default)]
    pub sort: Option<Sort>,
    /// Text that name, user name or address contain, whatever its case.
    #[schemars(length(min = 1, max = 100))]
    pub q: Option<String>,
    /// Only users whom this filter fits, such as `userName sw "ann" and not (lastSignInAt gt "2026-01-01T00:00:00Z")`: the
    /// language of SCIM (RFC 7644, section 3.4.2.2). One that asks for `status` or `deletedAt` finds deleted users, too.
    #[schemars(length(min = 1, max = 8192))]
    pub filter: Option<String>,
    /// Only users in this status. Without it: all but the deleted ones.
    pub status: Option<UserStatus>,
    /// Only users who have this role, by their groups too.
    pub role: Option<String>,
    /// Only users created at this time or later.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    pub created_after: Option<Timestamp>,
    /// Only users created before this time.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    pub created_before: Option<Timestamp>,
    /// Only these members of each user, separated by commas: `fields=id,username,email`.
    #[schemars(length(min = 1, max = 1000))]
    pub fields: Option<String>,
    /// Whether `total` says how many there are.
    #[serde(default)]
    pub count: bool,
}

/// The order of the list; `-` is descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sort {
    #[serde(rename = "created_at")]
    CreatedAt,
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDescending,
    #[serde(rename = "username")]
    Username,
    #[serde(rename = "-username")]
    UsernameDescending,
}

/// At the end of what is asked of each user on a walk: PostgreSQL must not turn it round, and find all that it fits first.
pub(super) const ONE_BY_ONE: &str = "offset 0";
/// A short walk in the order of the page.
#[derive(Clone, Copy, Debug)]
struct Walk {
    /// From so many on it is tried.
    many: i64,
    /// Users that it passes.
    steps: i64,
}

/// After this part of a short walk it is known whether the rest is worth going.
const LOOKS_BACK_AFTER: i64 = 5;

/// Each user is looked at alone: a microsecond.
const AMONG_USERS: Walk = Walk { many: 2_000, steps: 30_000 };
/// What belongs to each user is looked up, too.
const WITH_LOOK_UPS: Walk = Walk { many: 5_000, steps: 10_000 };

impl Walk {
    fn for_filter(filter: &Filter, around: &Surroundings) -> Result<Self, Rejection> {
        let mut conditions = Conditions::default();
        select(filter, around, Written::ForMany, &mut conditions)?;
        Ok(if conditions.sql().contains("select") { WITH_LOOK_UPS } else { AMONG_USERS })
    }
}

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Cursor {
    CreatedAt(Sort, Written, Timestamp, UserId),
    Username(Sort, Written, String),
}

impl Cursor {
    /// Behind this user.
    fn after(sort: Sort, written: Written, created_at: Timestamp, id: UserId, username_normal: String) -> Self {
        match sort {
            Sort::CreatedAt | Sort::CreatedAtDescending => Self::CreatedAt(sort, written, created_at, id),
            Sort::Username | Sort::UsernameDescending => Self::Username(sort, written, username_normal),
        }
    }

    fn made_for(&self) -> (Sort, Written) {
        match self {
            Self::CreatedAt(sort, written, ..) | Self::Username(sort, written, _) => (*sort, *written),
        }
    }
}

/// One page of the users that the caller may see: those who hold no permission that the caller lacks.
pub async fn list(tx: &mut Tx, by: Authority, filter: &Filter) -> AppResult<Page<User>> {
    let (sort, limit) = (filter.sort.unwrap_or_default(), filter.limit.unwrap_or_default());
    let cursor = filter.cursor.as_deref().map(|cursor| read_cursor(cursor, sort)).transpose()?;
    let around = &Surroundings::look(tx, by, filter).await?;
    let narrows = filter.q.is_some() || filter.filter.is_some() || filter.role.is_some();
    let mut written = cursor.as_ref().map_or(Written::ForFew, |cursor| cursor.made_for().1);
    let mut total = None;
    let mut found = None;
    if narrows && cursor.is_none() {
        let walk = Walk::for_filter(filter, around)?;
        if expect(tx, around, filter).await? >= walk.many
            && let Some(met) = on_a_short_walk(tx, around, filter, (sort, limit), walk).await?
        {
            (written, found) = (Written::ForMany, Some(met));
        }
    }
    if narrows && written == Written::ForFew {
        let (count, ids) = among_few(tx, around, filter, sort, limit, cursor.as_ref()).await?;
        if count <= FEW {
            (total, found) = (Some(Total::exactly(count)), Some(ids));
        }
    }
    let ids = if let Some(ids) = found {
        ids
    } else {
        written = Written::ForMany;
        let met = on_a_walk(tx, around, filter, (sort, limit), cursor.as_ref(), None).await?;
        met.iter().map(|met| met.id).collect()
    };
    let users = store::find_users(tx, &ids).await?;
    let page =
        Page::cut(users, limit, |user| Cursor::after(sort, written, user.created_at, user.id, user.username.to_lowercase()));
    if filter.count && total.is_none() {
        total = Some(count(tx, around, filter, page.next.is_some()).await?);
    }
    Ok(Page { total: total.filter(|_| filter.count), ..page })
}

/// The condition on `users u` that the filter makes, for whoever else selects users by one. Whom the caller may not act on is left out.
pub fn select(filter: &Filter, around: &Surroundings, written: Written, into: &mut Conditions) -> Result<(), Rejection> {
    into.require(standing(filter));
    if let Some(role) = &filter.role {
        let has_role = has_role(role, around, written, into);
        into.require(has_role);
    }
    into.require_if("u.created_at >= {}", filter.created_after);
    into.require_if("u.created_at < {}", filter.created_before);
    if let Some(text) = &filter.q {
        search(text, written, into)?;
    }
    if let Some(text) = &filter.filter {
        let fits = filter::compile(text, around, written, into)?;
        into.require(fits);
    }
    if !around.outranking.is_empty() {
        let outranks = holds_what_the_caller_lacks(around, written, into);
        into.require(format!("not {outranks}"));
    }
    Ok(())
}

/// In which status the users are.
fn standing(filter: &Filter) -> String {
    match filter.status {
        // Not bound: the partial index on it is chosen by the very word.
        Some(status) => format!("u.status = '{}'", status.as_str()),
        None if filter.filter.as_deref().is_some_and(filter::mentions_deleted) => "true".to_owned(),
        None => "u.status <> 'deleted'".to_owned(),
    }
}

fn read_cursor(cursor: &str, sort: Sort) -> Result<Cursor, Rejection> {
    let cursor: Cursor = page::decode(cursor)?;
    let fits = match &cursor {
        Cursor::CreatedAt(_, _, at, _) => matches!(sort, Sort::CreatedAt | Sort::CreatedAtDescending) && is_storable(at),
        Cursor::Username(..) => matches!(sort, Sort::Username | Sort::UsernameDescending),
    };
    if fits && cursor.made_for().0 == sort {
        return Ok(cursor);
    }
    let error = FieldError::at_parameter("cursor", "invalid", "belongs to another `sort`: begin again without it");
    Err(Rejection::invalid_query(vec![error]))
}

/// Whether a user `u` holds a permission that the caller lacks.
pub fn outranks(around: &Surroundings, into: &mut Conditions) -> String {
    holds_what_the_caller_lacks(around, Written::ForFew, into)
}

fn holds_what_the_caller_lacks(around: &Surroundings, written: Written, into: &mut Conditions) -> String {
    if around.outranking.is_empty() {
        return "false".to_owned();
    }
    let names = into.bind(around.outranking.clone());
    holds(&format!("= any({names})"), around, written, into)
}

/// Whether a user `u` has the role, by their groups too.
pub(super) fn has_role(role: &str, around: &Surroundings, written: Written, into: &mut Conditions) -> String {
    let role = into.bind(role.to_owned());
    if !around.groups_carry_roles || written == Written::ForMany {
        return holds(&format!("= {role}"), around, written, into);
    }
    let now = into.bind(around.now);
    format!(
        "exists (select from (
            select ur.user_id
            from user_roles ur
            where ur.role_name = {role} and (ur.expires_at is null or ur.expires_at > {now})
            union all
            select m.user_id
            from group_roles gr
            join group_closure c on c.ancestor_id = gr.group_id
            join group_members m on m.group_id = c.group_id
            where gr.role_name = {role} and (m.expires_at is null or m.expires_at > {now})
        ) h where h.user_id = u.id)"
    )
}

/// Whether a user `u` has a role whose name is so.
fn holds(so: &str, around: &Surroundings, written: Written, into: &mut Conditions) -> String {
    let now = into.bind(around.now);
    let end = written.end();
    if around.groups_carry_roles {
        return format!("exists (select from effective_roles(u.id, {now}) e where e.role_name {so} {end})");
    }
    format!(
        "exists (
            select
            from user_roles ur
            where ur.user_id = u.id and ur.role_name {so} and (ur.expires_at is null or ur.expires_at > {now})
            {end}
        )"
    )
}

/// What the page begins after, as a condition on the columns of `table`.
pub(super) fn after(cursor: Option<&Cursor>, table: &str, into: &mut Conditions) -> String {
    let Some(cursor) = cursor else { return "true".to_owned() };
    let beyond = match cursor.made_for().0 {
        Sort::CreatedAt | Sort::Username => ">",
        Sort::CreatedAtDescending | Sort::UsernameDescending => "<",
    };
    match cursor {
        Cursor::CreatedAt(_, _, at, id) => {
            let (at, id) = (into.bind(*at), into.bind(*id));
            format!("({table}.created_at, {table}.id) {beyond} ({at}, {id})")
        }
        Cursor::Username(_, _, username) => {
            let username = into.bind(username.clone());
            format!("{table}.username_normal ~{beyond}~ {username}")
        }
    }
}

/// User names byte by byte, whatever the collation of the database: in the order of the index that finds what they begin with.
pub(super) fn order(sort: Sort, table: &str) -> String {
    match sort {
        Sort::CreatedAt => format!("{table}.created_at, {table}.id"),
        Sort::CreatedAtDescending => format!("{table}.created_at desc, {table}.id desc"),
        Sort::Username => format!("{table}.username_normal using ~<~"),
        Sort::UsernameDescending => format!("{table}.username_normal using ~>~"),
    }
}

/// Somebody who was met on a walk.
struct Met {
    id: UserId,
    created_at: Timestamp,
    username_normal: String,
}

/// The page, if a short walk meets all of it. Where so few are met on its first part that the rest would not do, it is not gone.
async fn on_a_short_walk(
    tx: &mut Tx,
    around: &Surroundings,
    filter: &Filter,
    (sort, limit): (Sort, Limit),
    walk: Walk,
) -> AppResult<Option<Vec<UserId>>> {
    let part = walk.steps / LOOKS_BACK_AFTER;
    let wanted = usize::try_from(limit.and_one()).unwrap_or_default();
    let mut met = on_a_walk(tx, around, filter, (sort, limit), None, Some(part)).await?;
    if let Some(last) = met.last().filter(|_| met.len() < wanted) {
        // They stand anywhere: a quarter more may follow than the first part promises.
        let promised = i64::try_from(met.len()).unwrap_or(i64::MAX).saturating_mul(LOOKS_BACK_AFTER);
        if promised.saturating_mul(5) / 4 < limit.and_one() {
            return Ok(None);
        }
        let beyond = Cursor::after(sort, Written::ForMany, last.created_at, last.id, last.username_normal.clone());
        met.extend(on_a_walk(tx, around, filter, (sort, limit), Some(&beyond), Some(walk.steps - part)).await?);
    }
    Ok((met.len() >= wanted).then(|| met.iter().take(wanted).map(|met| met.id).collect()))
}

/// The page, met in its order; after so many steps the walk ends, wherever it is.
async fn on_a_walk(
    tx: &mut Tx,
    around: &Surroundings,
    filter: &Filter,
    (sort, limit): (Sort, Limit),
    cursor: Option<&Cursor>,
    steps: Option<i64>,
) -> AppResult<Vec<Met>> {
    let mut conditions = Conditions::default();
    select(filter, around, Written::ForMany, &mut conditions)?;
    let (after, order) = (after(cursor, "u", &mut conditions), order(sort, "u"));
    let limit = conditions.bind(limit.and_one());
    let from = match steps.map(|steps| conditions.bind(steps)) {
        // A status has an index in the order of the page, and deleted users are no steps.
        Some(steps) => format!(
            "(select u.* from users u where {} and {after} order by {order} limit {steps}) u where {}",
            standing(filter),
            conditions.sql()
        ),
        None => format!("users u where {} and {after}", conditions.sql()),
    };
    let sql = format!("select u.id, u.created_at, u.username_normal from {from} order by {order} limit {limit}");
    let params = conditions.params();
    // A filter's text is its own: to keep what was prepared for it would be to keep it for nobody.
    let rows = if filter.filter.is_some() { tx.query_once(&sql, &params).await? } else { tx.query(&sql, &params).await? };
    Ok(rows.iter().map(|row| Met { id: row.get(0), created_at: row.get(1), username_normal: row.get(2) }).collect())
}
