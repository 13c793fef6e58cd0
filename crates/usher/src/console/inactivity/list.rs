//! All rules, and the page about one.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;

use super::super::staff::Staff;
use super::{HERE, RulePath, acts, look_up, may_change, way};
use crate::app::App;
use crate::caller::Permission;
use crate::error::AppResult;
use crate::html::Faults;
use crate::http::params::Path;
use crate::inactivity::{self, Rule};

const LIST_PAGE: &str = "console/inactivity/rules.html";
const PAGE: &str = "console/inactivity/rule.html";

pub async fn list(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InactivityRead)?;
    let mut tx = staff.begin(&app).await?;
    let rules = inactivity::list(&mut tx).await?;
    tx.commit().await?;
    staff.page(&app, HERE, LIST_PAGE, context! { rules => Serde(rules) }, &Faults::default())
}

pub async fn show(staff: Staff, Path(path): Path<RulePath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InactivityRead)?;
    let rule = look_up(&app, &staff, path.id).await?;
    show_rule(&app, &staff, &rule, &Faults::default())
}

pub fn show_rule(app: &App, staff: &Staff, rule: &Rule, faults: &Faults) -> AppResult<Response> {
    let values = context! {
        way => way(rule.id), acts => acts::offered(staff, rule), may_change => may_change(staff, rule),
        may_preview => staff.may(Permission::UsersRead) && staff.may(rule.action.permission()),
        rule => Serde(rule),
    };
    staff.page(app, HERE, PAGE, values, faults)
}
