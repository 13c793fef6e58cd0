//! Lists of users: filters, search and keyset pages. The statement is put together from fixed pieces; values are only ever bound.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::ToSql;
use unicode_normalization::UnicodeNormalization;

use super::{User, store};
use crate::caller::{Authority, PermissionSet, UserStatus};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::http::params::{is_storable, time};
use crate::id::UserId;
use crate::roles;

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

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
enum Cursor {
    CreatedAt(Sort, Timestamp, UserId),
    Username(Sort, String),
}

/// One page of the users that the caller may see: those who hold no permission that the caller lacks.
pub async fn list(tx: &mut Tx, by: Authority, filter: &Filter) -> AppResult<Page<User>> {
    let sort = filter.sort.unwrap_or_default();
    let limit = filter.limit.unwrap_or_default();
    let mut query = Query::new(tx.now());
    if let Some(role) = &filter.role {
        query.having(role, roles::list_few_with(tx, &[role]).await?);
    }
    query.filter(by, filter)?;
    query.after(sort, filter.cursor.as_deref())?;
    let ids = query.run(tx, sort, limit).await?;
    let users = store::find_users(tx, &ids).await?;
    Ok(Page::cut(users, limit, |user| match sort {
        Sort::CreatedAt | Sort::CreatedAtDescending => Cursor::CreatedAt(sort, user.created_at, user.id),
        Sort::Username | Sort::UsernameDescending => Cursor::Username(sort, user.username.to_lowercase()),
    }))
}

/// Text as a pattern of `like` that fits this very text and no other.
pub(crate) fn escape_pattern(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A statement in the making, and its parameters.
struct Query {
    conditions: Vec<String>,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
    now: Timestamp,
}

impl Query {
    fn new(now: Timestamp) -> Self {
        Self { conditions: Vec::new(), params: Vec::new(), now }
    }

    /// Binds a value and returns its placeholder.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.params.push(Box::new(value));
        format!("${}", self.params.len())
    }

    fn filter(&mut self, by: Authority, filter: &Filter) -> Result<(), Rejection> {
        match filter.status {
            Some(status) => {
                let status = self.bind(status.as_str());
                self.conditions.push(format!("u.status = {status}"));
            }
            None => self.conditions.push("u.status <> 'deleted'".to_owned()),
        }
        if let Some(after) = filter.created_after {
            let after = self.bind(after);
            self.conditions.push(format!("u.created_at >= {after}"));
        }
        if let Some(before) = filter.created_before {
            let before = self.bind(before);
            self.conditions.push(format!("u.created_at < {before}"));
        }
        if let Some(text) = &filter.q {
            self.search(text)?;
        }
        self.visible_to(by);
        Ok(())
    }

    /// Only users who have the role: these, if they are few.
    fn having(&mut self, role: &str, few: Option<Vec<UserId>>) {
        let condition = if let Some(few) = few {
            format!("u.id = any({})", self.bind(few))
        } else {
            let (role, now) = (self.bind(role.to_owned()), self.bind(self.now));
            format!("exists (select from effective_roles(u.id, {now}) e where e.role_name = {role})")
        };
        self.conditions.push(condition);
    }

    /// Substrings of name, user name and address. Each part has an index of its own, so each is a look-up of its own.
    fn search(&mut self, text: &str) -> Result<(), Rejection> {
        if text.is_empty() || text.chars().count() > 100 {
            let error = FieldError::at_parameter("q", "length", "must have 1 to 100 characters");
            return Err(Rejection::invalid_query(vec![error]));
        }
        let text: String = text.nfc().collect();
        let escaped = escape_pattern(&text);
        let pattern = self.bind(format!("%{escaped}%"));
        // Each column is folded by whoever has folded it before: names by PostgreSQL, addresses by our own normal form.
        let address_pattern = self.bind(format!("%{}%", escaped.to_lowercase()));
        self.conditions.push(format!(
            "u.id in (
                select s.id from users s where s.search_text like lower({pattern})
                union
                select e.user_id from emails e where e.address_normal like {address_pattern}
            )"
        ));
        Ok(())
    }

    /// Leaves out whom the caller may not act on.
    fn visible_to(&mut self, by: Authority) {
        if by.permissions == PermissionSet::all() {
            return;
        }
        let (lacked, now) = (self.bind(by.permissions.complement().names()), self.bind(self.now));
        self.conditions.push(format!(
            "not exists (
                select
                from effective_roles(u.id, {now}) e
                join roles r on r.name = e.role_name
                where r.permissions && {lacked}
            )"
        ));
    }

    fn after(&mut self, sort: Sort, cursor: Option<&str>) -> Result<(), Rejection> {
        let Some(cursor) = cursor else { return Ok(()) };
        let beyond = match sort {
            Sort::CreatedAt | Sort::Username => ">",
            Sort::CreatedAtDescending | Sort::UsernameDescending => "<",
        };
        let condition = match page::decode::<Cursor>(cursor)? {
            Cursor::CreatedAt(made_for, at, id) if made_for == sort && is_storable(&at) => {
                let (at, id) = (self.bind(at), self.bind(id));
                format!("(u.created_at, u.id) {beyond} ({at}, {id})")
            }
            Cursor::Username(made_for, username) if made_for == sort => {
                let username = self.bind(username);
                format!("u.username_normal {beyond} {username}")
            }
            _ => {
                let error = FieldError::at_parameter("cursor", "invalid", "belongs to another `sort`: begin again without it");
                return Err(Rejection::invalid_query(vec![error]));
            }
        };
        self.conditions.push(condition);
        Ok(())
    }

    async fn run(mut self, tx: &mut Tx, sort: Sort, limit: Limit) -> DbResult<Vec<UserId>> {
        let limit = self.bind(limit.and_one());
        let order = match sort {
            Sort::CreatedAt => "u.created_at, u.id",
            Sort::CreatedAtDescending => "u.created_at desc, u.id desc",
            Sort::Username => "u.username_normal",
            Sort::UsernameDescending => "u.username_normal desc",
        };
        let sql = format!("select u.id from users u where {} order by {order} limit {limit}", self.conditions.join(" and "));
        let params: Vec<&(dyn ToSql + Sync)> = self.params.iter().map(|param| &**param as &(dyn ToSql + Sync)).collect();
        Ok(tx.query(&sql, &params).await?.iter().map(|row| row.get(0)).collect())
    }
}
