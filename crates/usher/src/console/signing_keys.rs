//! The keys that sign access tokens, and their rotation.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;

use super::staff::{Staff, StaffForm};
use crate::app::App;
use crate::caller::Permission;
use crate::error::AppResult;
use crate::html::{self, Faults, Notice};
use crate::keys::{self, Begin};
use crate::languages::now;

const HERE: &str = "/admin/keys";
const ROTATE: &str = "/admin/keys/rotate";
const PAGE: &str = "console/signing_keys.html";
const ROTATE_PAGE: &str = "console/signing_keys_rotate.html";

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let mut tx = staff.begin(&app).await?;
    let found = keys::list(&mut tx).await?;
    tx.commit().await?;
    let lifetime = app.config.tokens.signing_key_lifetime.map(|lifetime| lifetime.as_secs() / 86_400);
    let values = context! { signing_keys => Serde(found), lifetime_days => lifetime };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

pub async fn show_rotate(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, ROTATE) {
        return Ok(proof);
    }
    ask(&app, &staff, "", &Faults::default())
}

pub async fn submit_rotate(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, ROTATE) {
        return Ok(proof);
    }
    let begin = match members.text("begin") {
        "published_ahead" => Begin::PublishedAhead,
        "now" => Begin::Now,
        _ => return ask(&app, &staff, members.text("reason"), &Faults::at("begin", now().word("rotate-missing"))),
    };
    keys::rotate(&app, &staff.origin_because(&members), begin).await?;
    html::done(&app, HERE, Notice::Made)
}

fn ask(app: &App, staff: &Staff, reason: &str, faults: &Faults) -> AppResult<Response> {
    let values = context! { back => HERE, action => ROTATE, reason => reason };
    staff.page(app, HERE, ROTATE_PAGE, values, faults)
}
