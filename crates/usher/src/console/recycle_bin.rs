//! Who is in the recycle bin, until when, and the ways out of it: back, or for good.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::parameters::{Parameters, address};
use super::staff::Staff;
use super::{events, user};
use crate::app::App;
use crate::caller::{Permission, UserStatus};
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::html::Faults;
use crate::users::{self, Filter};

const PAGE: &str = "console/recycle_bin.html";
const HERE: &str = "/admin/recycle-bin";

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    email: Option<String>,
    way: String,
    deleted_at: Option<Timestamp>,
    purge_after: Option<Timestamp>,
    /// The page that previews removing them for good.
    purge: String,
}

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let filter = Filter {
        status: Some(UserStatus::Deleted),
        limit: Limit::new(25),
        count: true,
        cursor: parameters.get("cursor").map(ToOwned::to_owned),
        ..Filter::default()
    };
    let wanted = (staff.authority(), filter);
    let page = app.read_list(&staff.person().origin, &wanted, |tx, (by, filter)| Box::pin(users::list(tx, *by, filter))).await?;
    let row = |found: &users::User| Row {
        id: found.id.to_string(),
        name: events::name_of(found),
        email: found.email.clone(),
        way: user::way(found.id),
        deleted_at: found.deleted_at,
        purge_after: found.purge_after,
        purge: address("/admin/bulk/new", [("user", found.id.to_string().as_str()), ("action", "purge")]),
    };
    let values = context! {
        rows => Serde(page.items.iter().map(row).collect::<Vec<_>>()), total => Serde(page.total),
        next => page.next.as_deref().map(|next| address(HERE, [("cursor", next)])),
        is_first => parameters.get("cursor").is_none(),
        may_restore => staff.may(Permission::UsersDelete), may_purge => staff.may(Permission::UsersPurge),
        purge_all => address("/admin/bulk/new", [("filter", "status eq \"deleted\""), ("action", "purge")]),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}
