//! `usher user list`.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::super::following::{Followed, LISTED_MAX};
use super::super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::caller::{Authority, UserStatus};
use crate::db::page::Page;
use crate::users::{self, Filter, Listing, Sort, User};

#[derive(Args)]
pub struct List {
    /// Text that name, user name or address contain
    #[arg(long)]
    q: Option<String>,
    /// A filter such as 'userName sw "ann" and not (lastSignInAt pr)'
    #[arg(long)]
    filter: Option<String>,
    /// Also say how many there are
    #[arg(long)]
    count: bool,
    /// pending, active, suspended or deleted
    #[arg(long)]
    status: Option<String>,
    /// Only holders of this role
    #[arg(long)]
    role: Option<String>,
    /// `created_at`, `username`, or one of them with `-` in front for the other way round; `-created_at` when left out
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only these members of each user, as the API calls them, separated by commas: id,username,email
    #[arg(long, value_name = "MEMBERS")]
    fields: Option<String>,
    /// At most so many, up to 100000; `usher export users` has all
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=LISTED_MAX))]
    limit: u32,
}

pub async fn list(app: &App, list: List, json: bool) -> Outcome {
    let status = match list.status.as_deref() {
        Some(text) => {
            let unknown = || Failure::usage("--status is one of pending, active, suspended, deleted");
            Some(UserStatus::parse(text).ok_or_else(unknown)?)
        }
        None => None,
    };
    let sort: Option<Sort> = list
        .sort
        .as_deref()
        .map(|sort| serde_json::from_value(sort.into()))
        .transpose()
        .map_err(|_| Failure::usage("--sort is one of created_at, -created_at, username, -username"))?;
    let (q, fields) = (list.q, list.fields);
    let filter = Filter { q, sort, filter: list.filter, count: list.count, status, role: list.role, ..Filter::default() };
    let found = find(app, filter, list.limit).await?;
    if json && fields.is_none() {
        return Ok(output::json(&found.items)?);
    }
    let (total, is_cut) = (found.total, found.is_cut());
    let shown = found.items.len();
    match fields {
        Some(fields) => {
            let page = Page { items: found.items, next: None, total: None };
            let parts = users::listings(page, Some(&fields)).map_err(Failure::usage)?.items;
            if json {
                return Ok(output::json(&parts)?);
            }
            print_parts(&parts, &fields)?;
        }
        None => print(&found.items),
    }
    if let Some(total) = total {
        output::say(format!("({}{} in all)", if total.exact { "" } else { "about " }, total.count));
    }
    if is_cut {
        let which = if matches!(sort.unwrap_or_default(), Sort::CreatedAtDescending) { "newest" } else { "first" };
        output::say(format!(
            "(the {which} {shown}; more with --limit, or narrow the list with --q, --filter, --status or --role)"
        ));
    }
    Ok(())
}

async fn find(app: &App, mut filter: Filter, limit: u32) -> Result<Followed<User>, Failure> {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let mut found = Followed::new(limit);
    while let Some((limit, cursor)) = found.ask() {
        (filter.limit, filter.cursor) = (Some(limit), cursor);
        found.take(users::list(&mut tx, Authority::operator(), &filter).await?);
        filter.count = false;
    }
    tx.commit().await?;
    Ok(found)
}

fn print(users: &[User]) {
    let row = |user: &User| {
        vec![
            user.id.to_string(),
            user.username.clone(),
            user.status.as_str().to_owned(),
            user.email.clone().unwrap_or_default(),
            user.roles.join(" "),
            output::time(user.created_at),
        ]
    };
    output::table(
        &["id", "user name", "status", "address", "roles", "created"],
        users.iter().map(row).collect(),
        "There are no such users.",
    );
}

fn print_parts(parts: &[Listing], fields: &str) -> Outcome {
    let names: Vec<&str> = fields.split(',').map(str::trim).collect();
    let mut rows = Vec::new();
    for part in parts {
        let part = serde_json::to_value(part).map_err(anyhow::Error::from)?;
        rows.push(names.iter().map(|name| cell(name, &part[*name])).collect());
    }
    output::table(&names, rows, "There are no such users.");
    Ok(())
}

fn cell(name: &str, value: &Value) -> String {
    let is_time = name.ends_with("_at") || name.ends_with("_until") || name.ends_with("_after");
    match value {
        Value::Null => String::new(),
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(at) if is_time => output::time(at),
            // A biography has lines of its own.
            _ => text.replace(char::is_control, " "),
        },
        Value::Array(names) if names.iter().all(Value::is_string) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
