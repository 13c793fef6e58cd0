//! The exports API.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Format, Wanted};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::params::Query;
use crate::http::stream::Streamed;
use crate::id::UserId;

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(
            Method::GET,
            "/v1/exports/users",
            Access::Holding(Permission::UsersRead),
            "Exports",
            "Export users",
        )
        .description(
            "All users whom the caller may see, as one snapshot, in the order of their ids. An export that was cut off goes on with `after`, in another file if it is Parquet. The importer reads CSV and NDJSON.",
        )
        .fails(401, "Password hashes are wanted, and the sign-in is longer ago than 10 minutes (`fresh_authentication_required`).")
        .fails(403, "Password hashes are wanted, and the caller lacks a permission (`forbidden`)."),
        export_users,
    )
}

/// What is exported.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExportParameters")]
struct Parameters {
    /// `csv` when left out.
    #[serde(default)]
    format: Format,
    /// Only users whom it fits, as in `GET /v1/users`.
    #[schemars(length(min = 1, max = 8192))]
    filter: Option<String>,
    /// Only these fields, separated by commas.
    #[schemars(length(min = 1, max = 1000))]
    fields: Option<String>,
    /// Also the hashes of passwords: for callers with every permission, and soon after their sign-in.
    #[serde(default)]
    include_password_hashes: bool,
    /// Only users after this one: without the line of columns, it goes on where an export was cut off.
    after: Option<UserId>,
}

async fn export_users(caller: Caller, State(app): State<App>, Query(parameters): Query<Parameters>) -> AppResult<Streamed> {
    let Parameters { format, filter, fields, include_password_hashes: password_hashes, after } = parameters;
    if let Some(person) = caller.person().filter(|_| password_hashes) {
        person.require_proof(app.clock.now())?;
    }
    let wanted = Wanted { format, filter, fields, password_hashes, after };
    Ok(super::begin(&app, caller.authority(), &caller.origin, wanted).await?.into_answer())
}
