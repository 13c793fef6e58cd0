//! What every request passes: an id, limits, a deadline, security headers, one log line, metrics, and problem bodies for failures.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use tracing::Instrument;
use tracing::field::Empty;

use super::{body, origin, problem};
use crate::app::App;
use crate::brand;
use crate::clock::Stopwatch;
use crate::error::{AppError, Rejection};
use crate::html::languages;
use crate::id::new_uuid;
use crate::telemetry;

const URI_MAX: usize = 8 * 1024;
const HEADERS_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 100;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answers that must come even when the request names no host of ours: probes speak to addresses.
const ANY_HOST: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// For operations and everything without a policy of its own: nothing is loaded, nobody may frame it.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Puts the layers around the router, outermost last.
pub fn wrap(router: Router<App>, app: &App) -> Router {
    router
        .fallback(async || Rejection::not_found().into_response())
        .method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED.into_response())
        .layer(from_fn(catch_panic))
        .layer(from_fn_with_state(app.clone(), edge))
        .with_state(app.clone())
}

async fn catch_panic(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| AppError::Internal(anyhow::anyhow!("a handler panicked")).into_response())
}

async fn edge(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let answered = languages::answering(&app, request, |request| answer(app.clone(), request, next));
    Box::pin(brand::showing(&app, &path, answered)).await
}

async fn answer(app: App, mut request: Request, next: Next) -> Response {
    let waited = Stopwatch::start();
    let _active = Active::begin();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let request_id = request_id(&app, request.headers(), peer);
    let origin = origin::anonymous(request.headers(), peer, request_id.clone(), &app.config.server.trusted_proxies);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let if_none_match = request.headers().get(header::IF_NONE_MATCH).cloned();
    let wants_html = wants_html(&request);
    request.extensions_mut().insert(app.clone());
    request.extensions_mut().insert(origin);
    let version = request.version();
    let (request, kept) = body::Kept::of(request);

    let trace = begin_trace(&app, &request, &route, peer);
    let span = tracing::info_span!(parent: &trace, "request", request.id = %request_id, trace_id = Empty);
    if let Some(id) = telemetry::trace_id(&trace) {
        span.record("trace_id", id);
    }
    let answered = match refuse_early(&app, &request) {
        Some(refusal) => refusal,
        None => in_time(&app, request, next).instrument(span.clone()).instrument(trace.clone()).await,
    };
    let answer = read_on(kept, version, answered).await;
    let rendered = problem::render(answer, &request_id, wants_html);
    let reads = [Method::GET, Method::HEAD].contains(&method);
    let mut response = if reads { not_modified(rendered, if_none_match.as_ref()) } else { rendered };
    add_headers(&app, response.headers_mut(), &request_id);
    telemetry::answered(&trace, response.status());
    record(&span, &method, &route, response.status(), waited.elapsed());
    response
}

/// Probes would be most of the traces of a quiet site.
fn begin_trace(app: &App, request: &Request, route: &str, peer: Option<SocketAddr>) -> tracing::Span {
    if ANY_HOST.contains(&route) {
        return tracing::Span::none();
    }
    let scheme = if app.config.server.public_url.is_https() { "https" } else { "http" };
    let believed = is_trusted(app, peer).then(|| request.headers());
    telemetry::request(known_method(request.method()), route, scheme, believed)
}

/// Reads what nobody has read of the body, so that the connection can carry the answer and the next request: one that is closed while
/// the client still sends is reset, and the answer is lost with it. A client that waits for the answer before it sends a body is told
/// that the connection ends.
async fn read_on(kept: Option<body::Kept>, version: Version, mut answer: Response) -> Response {
    let Some(kept) = kept else { return answer };
    if !kept.discard().await && version == Version::HTTP_11 {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// A browser that opens a page; programs ask for JSON or for anything.
fn wants_html(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.starts_with("text/html") && !request.uri().path().starts_with("/v1/")
}

fn is_trusted(app: &App, peer: Option<SocketAddr>) -> bool {
    peer.is_some_and(|peer| app.config.server.trusted_proxies.iter().any(|net| net.contains(&peer.ip().to_canonical())))
}

/// Ours, unless a trusted proxy has already named the request.
fn request_id(app: &App, headers: &HeaderMap, peer: Option<SocketAddr>) -> String {
    let trusted = is_trusted(app, peer);
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
        trusted && (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    });
    given.map_or_else(|| new_uuid(app.clock.now()).to_string(), ToOwned::to_owned)
}

/// Limits before work.
fn refuse_early(app: &App, request: &Request) -> Option<Response> {
    let uri = request.uri();
    let length = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if length > URI_MAX {
        return Some(StatusCode::URI_TOO_LONG.into_response());
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if headers.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
        return Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response());
    }
    if headers.get_all(header::HOST).iter().count() > 1 {
        return Some(Rejection::bad_request("malformed_request", "The request names more than one host.").into_response());
    }
    if !ANY_HOST.contains(&uri.path()) && !is_our_host(app, request) {
        return Some(StatusCode::MISDIRECTED_REQUEST.into_response());
    }
    // Another site's page must not make a browser change anything here.
    let cross_site = headers.get("sec-fetch-site").is_some_and(|value| value == "cross-site");
    if cross_site && ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        let rejection = Rejection::forbidden("This request was made by another site.");
        return Some(Rejection { code: "cross_site_request", ..rejection }.into_response());
    }
    None
}

/// The host of the public URL, and the names that a machine has for itself. Nothing is ever built from this header.
fn is_our_host(app: &App, request: &Request) -> bool {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let Some(given) = request.uri().authority().map(http::uri::Authority::as_str).or(header) else { return false };
    names_host(given, app.config.server.public_url.url().host_str().unwrap_or_default())
}

pub(crate) fn names_host(given: &str, public: &str) -> bool {
    let host = match given.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => given,
    };
    host.eq_ignore_ascii_case(public) || ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// The deadline of a request. What has bounds of its own, such as reading a large body, lifts it.
#[derive(Clone, Debug, Default)]
pub struct Deadline(Arc<AtomicBool>);

impl Deadline {
    pub fn lift(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn in_time(app: &App, mut request: Request, next: Next) -> Response {
    let deadline = Deadline::default();
    request.extensions_mut().insert(deadline.clone());
    let mut answer = std::pin::pin!(next.run(request));
    loop {
        match tokio::time::timeout(app.config.server.request_timeout, &mut answer).await {
            Ok(response) => return response,
            Err(_) if deadline.0.load(Ordering::Relaxed) => {}
            Err(_) => {
                let detail = "The request could not be answered in time. Try again shortly.";
                return Rejection::unavailable("overloaded", detail, 1).into_response();
            }
        }
    }
}

/// Spares the client a body it has (RFC 9110, section 13.1.2).
pub(crate) fn not_modified(response: Response, if_none_match: Option<&HeaderValue>) -> Response {
    let (Some(asked), Some(tag)) = (if_none_match.and_then(|value| value.to_str().ok()), response.headers().get(header::ETAG))
    else {
        return response;
    };
    let same =
        asked.split(',').map(str::trim).any(|asked| asked == "*" || asked.trim_start_matches("W/").as_bytes() == tag.as_bytes());
    if response.status() != StatusCode::OK || !same {
        return response;
    }
    let mut empty = StatusCode::NOT_MODIFIED.into_response();
    empty.headers_mut().insert(header::ETAG, tag.clone());
    empty
}

/// A page that needs more than nothing sets its own policy.
fn add_headers(app: &App, headers: &mut HeaderMap, request_id: &str) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::CONTENT_SECURITY_POLICY, API_POLICY);
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::CACHE_CONTROL, "no-store");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if app.config.server.public_url.is_https() {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    add_request_id(headers, request_id);
}

/// What the client can name when it asks what went wrong.
pub(super) fn add_request_id(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// One line a request, without its query string; and the metrics of it. Probes are not worth a line.
fn record(span: &tracing::Span, method: &Method, route: &str, status: StatusCode, took: Duration) {
    let labels = [
        ("http_request_method", known_method(method).to_owned()),
        ("http_route", route.to_owned()),
        ("http_response_status_code", status.as_u16().to_string()),
    ];
    metrics::histogram!("http_server_request_duration_seconds", &labels).record(took.as_secs_f64());
    if !ANY_HOST.contains(&route) {
        let milliseconds = f64::from(u32::try_from(took.as_micros()).unwrap_or(u32::MAX)) / 1000.0;
        span.in_scope(|| {
            tracing::info!(
                http.method = known_method(method),
                http.route = route,
                http.status = status.as_u16(),
                milliseconds,
                "answered"
            );
        });
    }
}

/// A request that is being answered. One whose client goes away ends too.
struct Active;

impl Active {
    fn begin() -> Self {
        metrics::gauge!("http_server_active_requests").increment(1);
        Self
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        metrics::gauge!("http_server_active_requests").decrement(1);
    }
}

/// Clients can't make metrics of their own by inventing methods.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
