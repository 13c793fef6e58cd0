//! How the server is: the checks of `usher doctor`, and what to do.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;

use super::staff::Staff;
use crate::app::App;
use crate::caller::Permission;
use crate::doctor::{self, Verdict};
use crate::error::AppResult;
use crate::html::Faults;

const HERE: &str = "/admin/system";
const PAGE: &str = "console/system.html";

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let mut findings = doctor::examine(&app).await;
    // What has to be looked at stands first.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let values = context! {
        failed => count(Verdict::Failed), warnings => count(Verdict::Warning), fine => count(Verdict::Ok),
        now => app.clock.now().to_string(), version => env!("CARGO_PKG_VERSION"), findings => Serde(findings),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}
