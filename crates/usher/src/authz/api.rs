//! For programs, and for the proxy in front of other sites.

use aide::generate::GenContext;
use aide::openapi::Operation;
use aide::operation::OperationOutput;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::identity::{self, Identity};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::{AppResult, FieldError, Rejection};
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Answer, Inferred, with_body};
use crate::http::params::Query;
use crate::throttle::Limit;

/// A page of a protected site asks for each of its parts.
const FORWARD: Limit = Limit::per_minutes("forward", 12_000, 1);
/// Longest list in a query, in bytes.
const LIST_MAX: usize = 1000;

pub fn router() -> Routes {
    let op = |path, summary| Op::new(Method::GET, path, Access::Recognised, "Authorization", summary);
    Routes::new()
        .op(
            op("/v1/whoami", "Say whose credential this is")
                .description("Whether an access token or an API key is good, who it stands for, and what it may do."),
            show_whoami,
        )
        .op(
            op("/v1/authz/forward", "Let a proxy ask whether a request may pass")
                .limited_to(FORWARD)
                .description(
                    "For the `auth_request` of Nginx and its likes, which send the credential of the request that they hold back. The \
                     answer names the caller in its header. A field that would be empty is left out: the proxy must not pass on \
                     what its client has sent under these names.",
                )
                .fails(403, "The caller lacks what the query asks for (`forbidden`)."),
            forward_authorization,
        )
}

/// What the caller must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForwardQuery")]
struct Wanted {
    /// Names of roles, separated by commas: one of them must be held.
    #[schemars(length(min = 1, max = LIST_MAX))]
    role: Option<String>,
    /// Names of permissions, separated by commas: all of them must be held.
    #[schemars(length(min = 1, max = LIST_MAX))]
    permission: Option<String>,
}

async fn show_whoami(caller: Caller, State(app): State<App>) -> AppResult<Answer<Identity>> {
    Ok(Answer(identity::of(&app, &caller).await?))
}

async fn forward_authorization(caller: Caller, State(app): State<App>, Query(wanted): Query<Wanted>) -> AppResult<Passed> {
    let identity = identity::of(&app, &caller).await?;
    require(&identity, &wanted)?;
    Ok(Passed(identity))
}

/// 200 with the caller in the header too.
struct Passed(Identity);

impl IntoResponse for Passed {
    fn into_response(self) -> Response {
        (self.0.headers(), Answer(self.0)).into_response()
    }
}

impl OperationOutput for Passed {
    type Inner = Identity;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        with_body::<Identity>(context, 200, "The request may pass.", &identity::FIELDS)
    }
}

fn require(identity: &Identity, wanted: &Wanted) -> Result<(), Rejection> {
    if let Some(roles) = &wanted.role
        && !list("role", roles)?.any(|role| identity.roles.iter().any(|held| held == role))
    {
        return Err(Rejection::forbidden(format!("This needs one of the roles {roles}.")));
    }
    for name in
        wanted.permission.iter().map(|names| list("permission", names)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten()
    {
        let permission =
            Permission::parse(name).ok_or_else(|| unfit("permission", "names no permission: see GET /v1/permissions"))?;
        if !identity.permissions.contains(&permission) {
            return Err(Rejection::forbidden(format!("This needs the permission {name}.")));
        }
    }
    Ok(())
}

fn list<'a>(parameter: &str, names: &'a str) -> Result<impl Iterator<Item = &'a str>, Rejection> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte));
    if names.len() > LIST_MAX || !names.split(',').all(is_name) {
        return Err(unfit(parameter, "must have names, separated by commas"));
    }
    Ok(names.split(','))
}

fn unfit(parameter: &str, detail: &str) -> Rejection {
    Rejection::invalid_query(vec![FieldError::at_parameter(parameter, "invalid", detail)])
}
