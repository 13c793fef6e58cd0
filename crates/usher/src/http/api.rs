//! The one way to declare an operation. What is written here is enforced and documented at once: a route without an access rule
//! does not exist, and the document can't tell another story than the code.

use aide::axum::ApiRouter;
use aide::axum::routing::{self, ApiMethodRouter};
use aide::generate::{GenContext, in_context};
use aide::openapi::{
    MediaType, OpenApi, Operation, ReferenceOr, Response as ApiResponse, Responses, SchemaObject, StatusCode as ApiStatus,
};
use aide::operation::{OperationHandler, OperationInput, OperationOutput};
use aide::transform::TransformOperation;
use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use schemars::generate::SchemaSettings;
use serde_json::json;

use super::limits;
use super::problem::{self, CONTENT_TYPE, Problem};
use crate::app::App;
use crate::caller::{self, Caller, Denial, Permission};
use crate::db::Origin;
use crate::error::{AppResult, Rejection};
use crate::throttle::{Limit, Taken};

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// A person with a valid access token.
    SignedIn,
    /// A person who has proved who they are within the last [`caller::FRESH`].
    Fresh,
    /// Whoever has a credential that is good: a person, or a program with an API key.
    Recognised,
    /// Holders of the permission.
    Holding(Permission),
}

/// When [`caller::Authority::to_grant_now`] asks for a proof: for [`Op::fails`] of what gives or takes roles.
pub const PROOF_TO_GRANT: &str = "What is given or taken is more than `manager` grants, and the sign-in is longer ago than 10 minutes: \
                                  `POST /v1/reauthenticate` first (`fresh_authentication_required`).";

/// An operation's declaration.
pub struct Op {
    method: Method,
    path: &'static str,
    access: Access,
    tag: &'static str,
    summary: &'static str,
    description: Option<&'static str>,
    limit: Option<Limit>,
    asks_for_proof: bool,
    /// Failures that are this operation's own, beside those its access rule and its inputs bring.
    failures: Vec<(u16, &'static str)>,
}

impl Op {
    pub fn new(method: Method, path: &'static str, access: Access, tag: &'static str, summary: &'static str) -> Self {
        let limit = limits::usual(&method, access);
        Self {
            method,
            path,
            access,
            tag,
            summary,
            description: None,
            limit,
            asks_for_proof: access == Access::Fresh,
            failures: Vec::new(),
        }
    }

    /// Another limit than the usual one.
    #[must_use]
    pub fn limited_to(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// A person must have proved lately who they are, beside what the access rule asks for; a program must not. Where that goes for
    /// some cases only, the rules ask for it ([`caller::Authority::to_grant_now`]).
    #[must_use]
    pub fn after_proof(mut self) -> Self {
        self.asks_for_proof = true;
        self
    }

    /// How the operation is guarded.
    fn rule(&self) -> Rule {
        let Self { access, limit, asks_for_proof, .. } = *self;
        Rule { access, limit, asks_for_proof, open_to_owing: is_open_to_owing(&self.method, self.path) }
    }

    #[must_use]
    pub fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// A status the operation fails with, and when.
    #[must_use]
    pub fn fails(mut self, status: u16, when: &'static str) -> Self {
        self.failures.push((status, when));
        self
    }
}

/// A feature's operations.
pub struct Routes {
    router: ApiRouter<App>,
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

impl Routes {
    pub fn new() -> Self {
        Self { router: ApiRouter::new() }
    }

    /// Adds an operation. Its id is the handler's name.
    #[must_use]
    pub fn op<H, I, O, T>(mut self, op: Op, handler: H) -> Self
    where
        H: Handler<T, App> + OperationHandler<I, O>,
        I: OperationInput,
        O: OperationOutput,
        T: 'static,
    {
        use_json_schema_2020_12();
        let id = std::any::type_name::<H>().rsplit("::").next().unwrap_or_default().to_owned();
        let (method, path, rule) = (op.method.clone(), op.path, op.rule());
        let document = documented(op, id);
        let route: ApiMethodRouter<App> = match method {
            Method::GET => routing::get_with(handler, document),
            Method::POST => routing::post_with(handler, document),
            Method::PUT => routing::put_with(handler, document),
            Method::PATCH => routing::patch_with(handler, document),
            _ => routing::delete_with(handler, document),
        };
        let guarded = route.layer(from_fn(move |request: Request, next: Next| guard(rule, request, next)));
        self.router = self.router.api_route(path, guarded);
        self
    }

    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self
    }

    pub fn into_router(self) -> Router<App> {
        self.router.into()
    }

    pub(super) fn describe(self, document: &mut OpenApi) {
        let _ = self.router.finish_api(document);
    }
}

/// Who may call an operation, and how often.
#[derive(Clone, Copy)]
struct Rule {
    access: Access,
    limit: Option<Limit>,
    asks_for_proof: bool,
    open_to_owing: bool,
}

/// Whether somebody may do it who owes a second factor: it binds one, says or proves who they are, or leads out.
fn is_open_to_owing(method: &Method, path: &str) -> bool {
    matches!(
        (method.as_str(), path),
        ("GET", "/v1/me") | ("POST", "/v1/reauthenticate" | "/v1/reauthenticate/passkey" | "/v1/logout")
    ) || path.starts_with("/v1/me/second-factors")
        || path.starts_with("/v1/me/passkeys")
}

/// Lets the request through to its handler if the access rule is met and the limit is not; comes before the body is read.
async fn guard(rule: Rule, mut request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let mut taken = None;
    let admitted = match admit(rule, asked, &mut taken).await {
        Ok(None) => next.run(request).await,
        Ok(Some((app, caller))) => {
            let origin = caller.origin.clone();
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            if response.status() == StatusCode::FORBIDDEN {
                (app.on_denied)(app.clone(), origin, Denial::Refused(problem::code(&response))).await;
            }
            response
        }
        Err(error) => error.into_response(),
    };
    limits::tell(admitted, rule.limit, taken)
}

/// What the guard needs of a request.
struct Asked {
    app: Option<App>,
    origin: Option<Origin>,
    token: Option<String>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            app: extensions.get().cloned(),
            origin: extensions.get().cloned(),
            token: bearer(request.headers()).map(ToOwned::to_owned),
        }
    }
}

/// Takes the operation's limit and finds out who asks; nobody, if the operation is public.
async fn admit(rule: Rule, asked: Asked, taken: &mut Option<Taken>) -> AppResult<Option<(App, Caller)>> {
    let (Some(app), Some(origin)) = (asked.app, asked.origin) else {
        return Err(anyhow::anyhow!("the layer that notes app and origin is missing").into());
    };
    if rule.access == Access::Public {
        *taken = limits::take_of_network(&app, rule.limit, &origin).await?;
        limits::require(*taken)?;
        return Ok(None);
    }
    let bearer = asked.token.ok_or_else(Rejection::unauthorized)?;
    let caller = caller::recognise(&app, &bearer, origin).await?;
    *taken = limits::take_of_caller(&app, rule.limit, &caller).await?;
    limits::require(*taken)?;
    if caller.cleared.owes_second_factor() && !rule.open_to_owing {
        let rejection = Rejection::second_factor_required();
        (app.on_denied)(app.clone(), caller.origin, Denial::Refused(rejection.code)).await;
        return Err(rejection.into());
    }
    match rule.access {
        Access::Holding(permission) if !caller.permissions.contains(permission) => {
            (app.on_denied)(app.clone(), caller.origin, Denial::Lacks(permission)).await;
            Err(Rejection::forbidden(format!("This needs the permission {}.", permission.name())).into())
        }
        Access::SignedIn | Access::Fresh if caller.person().is_none() => Err(Rejection::session_required().into()),
        _ => {
            if rule.asks_for_proof {
                caller.authority().require_proof(app.clock.now())?;
            }
            Ok(Some((app, caller)))
        }
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750). Tokens anywhere else are not looked for.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

fn documented(op: Op, id: String) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |mut transform| {
        describe(transform.inner_mut(), &op, id);
        transform
    }
}

fn describe(operation: &mut Operation, op: &Op, id: String) {
    operation.operation_id = Some(id);
    operation.summary = Some(op.summary.to_owned());
    operation.description = op.description.map(ToOwned::to_owned);
    operation.tags = vec![op.tag.to_owned()];
    let access = match op.access {
        Access::Public => "public".to_owned(),
        Access::SignedIn => "signed_in".to_owned(),
        Access::Fresh => "fresh".to_owned(),
        Access::Recognised => "recognised".to_owned(),
        Access::Holding(permission) => permission.name().to_owned(),
    };
    operation.extensions.insert("x-usher-access".to_owned(), json!(access));
    let responses = operation.responses.get_or_insert_with(Responses::default);
    let mut add = |status: u16, when: &str| {
        let documented = responses
            .responses
            .entry(ApiStatus::Code(status))
            .or_insert_with(|| ReferenceOr::Item(in_context(|context| problem_response(context, ""))));
        if let ReferenceOr::Item(response) = documented {
            let gap = if response.description.is_empty() { "" } else { " " };
            response.description = format!("{}{gap}{when}", response.description);
        }
    };
    for (status, when) in &op.failures {
        add(*status, when);
    }
    if op.access != Access::Public {
        operation.security.push(std::iter::once(("bearer".to_owned(), Vec::new())).collect());
        add(401, "There is no valid access token or API key (`unauthorized`).");
    }
    if op.access != Access::Public && !is_open_to_owing(&op.method, op.path) {
        add(403, "The caller needs a second factor, and has none (`second_factor_required`).");
    }
    if let Access::SignedIn | Access::Fresh = op.access {
        add(403, "Only a person in a session may do this (`session_required`).");
    }
    if op.asks_for_proof {
        add(401, "The sign-in is longer ago than 10 minutes: `POST /v1/reauthenticate` first (`fresh_authentication_required`).");
    }
    if let Access::Holding(permission) = op.access {
        add(403, &format!("The caller lacks the permission `{}` (`forbidden`).", permission.name()));
    }
    if let Some(limit) = op.limit {
        let whose = if op.access == Access::Public { "a network (IPv4 /24, IPv6 /64)" } else { "a caller" };
        let (quota, seconds) = (limit.quota, limit.window.as_secs());
        add(429, &format!("More than {quota} requests in {seconds} s by {whose}; see `Retry-After` (`too_many_requests`)."));
    }
    add(400, "The request can't be read (`malformed_request`, `malformed_json`).");
    add(500, "The server failed (`internal`).");
    add(503, "The server or its database is busy or away; see `Retry-After` (`overloaded`, `database_unavailable`).");
}

/// A documented failure.
pub fn problem_response(context: &mut GenContext, when: &str) -> ApiResponse {
    let schema = context.schema.subschema_for::<Problem>();
    ApiResponse {
        description: when.to_owned(),
        content: std::iter::once((CONTENT_TYPE.to_owned(), media_type(schema))).collect(),
        ..ApiResponse::default()
    }
}

/// A documented body.
pub fn media_type(schema: schemars::Schema) -> MediaType {
    MediaType { schema: Some(SchemaObject { json_schema: schema, external_docs: None, example: None }), ..MediaType::default() }
}

/// OpenAPI 3.1 speaks JSON Schema 2020-12; the library begins with an older draft.
fn use_json_schema_2020_12() {
    in_context(|context| {
        if context.schema.settings().meta_schema.as_deref() != Some("https://json-schema.org/draft/2020-12/schema") {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                "#/components/schemas/".clone_into(settings.definitions_path.to_mut());
            });
            context.schema = settings.into_generator();
        }
    });
}
