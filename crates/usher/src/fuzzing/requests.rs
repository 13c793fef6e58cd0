//! What a request carries: bodies, queries, forms, cursors, headers.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ipnet::IpNet;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::text;
use crate::attributes::{self, Document, Schema};
use crate::config::PublicUrl;
use crate::db::page::{self, Limit, Page};
use crate::error::{AppError, FieldError, Rejection};
use crate::html::cookies::Cookies;
use crate::html::{Cookie, LinkQuery, ReturnTo};
use crate::http::etag::{self, IfMatch};
use crate::http::params::read_query;
use crate::http::{api, body, idempotency, layers, origin};
use crate::id::UserId;
use crate::invitations::NewInvitation;
use crate::users::{Filter, NewUserBody, Profile, UserPatch};

pub(super) fn body(data: &[u8]) {
    let _changes = accepted::<UserPatch>(data);
    let _invitation = accepted::<NewInvitation>(data);
    let Some(new) = accepted::<NewUserBody>(data) else { return };
    // What was taken is what is stored, and is shown under the same schema.
    let stored = serde_json::to_vec(&new.profile).expect("a profile is plain data");
    let shown = accepted::<Profile>(&stored).expect("what was accepted is accepted again");
    assert_eq!(shown, new.profile, "what was accepted reads as something else");
}

/// The schema of attributes, as an operator sets it.
pub(super) fn attribute_schema(data: &[u8]) {
    let Some(document) = accepted::<Document>(data) else { return };
    if let Err(rejection) = attributes::inspect_document(&document) {
        return assert_is_told_well(&rejection);
    }
    let again: Document = body::from_value(document.to_value()).expect("what was accepted is accepted again");
    assert_eq!(again, document, "what was accepted reads as something else");
    let schema = Schema::new(1, document, |_| true).expect("what was accepted can be put in force");
    for property in schema.properties() {
        let found = schema.property(&property.name.to_ascii_uppercase());
        assert_eq!(found, Some(property), "two names differ in case only");
    }
}

/// The body as it was taken, or `None` when it was refused as refusals are.
fn accepted<T: DeserializeOwned + JsonSchema + 'static>(data: &[u8]) -> Option<T> {
    match body::parse(data) {
        Ok(value) => Some(value),
        Err(AppError::Rejected(rejection)) => {
            assert_is_told_well(&rejection);
            None
        }
        Err(AppError::Internal(error)) => refuse_to_go_on(&error),
    }
}

fn assert_is_told_well(rejection: &Rejection) {
    assert!(rejection.status.is_client_error(), "{rejection:?} is the caller's to mend");
    assert!(rejection.errors.len() <= 32, "{} faults at once", rejection.errors.len());
    let is_pointer = |fault: &FieldError| fault.pointer.as_ref().is_none_or(|at| at.is_empty() || at.starts_with('/'));
    assert!(rejection.errors.iter().all(is_pointer), "{rejection:?} has a pointer that is none");
}

fn refuse_to_go_on(error: &dyn Debug) -> ! {
    unreachable!("bad input became a failure of the server: {error:?}")
}

pub(super) fn query(data: &[u8]) {
    let query = text(data);
    if let Err(rejection) = read_query::<Filter>(&query) {
        assert_is_told_well(&rejection);
    }
}

pub(super) fn form(data: &[u8]) {
    let _members: Result<Vec<(String, String)>, _> = serde_html_form::from_bytes(data);
    let LinkQuery(token) = LinkQuery::read(&text(data));
    assert!(token.len() <= 3 * data.len(), "decoding makes a text shorter; a byte that is no UTF-8 becomes three");
    let site = PublicUrl::parse("https://users.example.org").expect("it is an origin");
    let wanted = ReturnTo::parse(&text(data), &site);
    let reached = site.url().join(wanted.path()).expect("it is a path");
    assert_eq!(reached.origin(), site.url().origin(), "{wanted:?} leads to another site");
}

pub(super) fn cursor(data: &[u8]) {
    let cursor = text(data);
    stable::<Uuid>(&cursor);
    stable::<(Timestamp, UserId)>(&cursor);
    stable::<String>(&cursor);
}

fn stable<K: DeserializeOwned + Serialize + PartialEq + Debug>(cursor: &str) {
    let key: K = match page::decode(cursor) {
        Ok(key) => key,
        Err(rejection) => return assert_is_told_well(&rejection),
    };
    let limit = Limit::new(1).expect("a page has at least one item");
    let next = Page::cut(vec![(), ()], limit, |()| &key).next.expect("of two items one is left");
    // Escapes make the text longer, and then it is no cursor that usher has made.
    if let Ok(again) = page::decode::<K>(&next) {
        assert_eq!(again, key, "a cursor leads elsewhere");
    }
}

/// Header fields of one name: a value a line.
fn fields(name: &HeaderName, data: &[u8]) -> HeaderMap {
    let values = data.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (name.clone(), value)).collect()
}

pub(super) fn headers(data: &[u8]) {
    let authorization = fields(&header::AUTHORIZATION, data);
    if let Some(token) = api::bearer(&authorization) {
        assert_eq!(authorization.len(), 1, "one of several tokens was believed");
        assert!(!token.starts_with(' ') && token.is_ascii(), "{token:?} is no token");
    }
    match Cookies::read(&fields(&header::COOKIE, data), true) {
        Ok(cookies) => {
            let is_named = text(data).contains("__Host-usher");
            assert!(cookies.get(Cookie::Session).is_none() || is_named, "a session came from nowhere");
        }
        Err(rejection) => assert_is_told_well(&rejection),
    }
    match idempotency::read_key(&fields(&HeaderName::from_static("idempotency-key"), data)) {
        Ok(Some(key)) => assert!((1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())),
        Ok(None) => {}
        Err(AppError::Rejected(rejection)) => assert_is_told_well(&rejection),
        Err(AppError::Internal(error)) => refuse_to_go_on(&error),
    }
    let host = text(data);
    if layers::names_host(&host, "users.example.org") {
        let name = host.rsplit_once(':').map_or(host.as_ref(), |(name, _)| name).to_ascii_lowercase();
        let ours = ["users.example.org", "localhost", "127.0.0.1", "[::1]"];
        assert!(ours.contains(&name.as_str()) || ours.contains(&host.as_ref()), "{host:?} passes for ours");
    }
}

pub(super) fn preconditions(data: &[u8]) {
    let given = fields(&header::IF_MATCH, data);
    match IfMatch::read(&given) {
        Ok(precondition) => {
            let lets_all_pass = precondition.require(7).is_ok() && precondition.require(8).is_ok();
            let means_both = [r#""7""#, r#""8""#].iter().all(|tag| text(data).contains(tag));
            let is_none = given.is_empty() || given.values().any(|value| value.as_bytes().trim_ascii() == b"*");
            assert!(!lets_all_pass || is_none || means_both, "{given:?} is no precondition");
        }
        Err(rejection) => assert_is_told_well(&rejection),
    }
    for asked in fields(&header::IF_NONE_MATCH, data).values() {
        let mut response: Response = "a body".into_response();
        response.headers_mut().insert(header::ETAG, etag::of(7));
        let answer = layers::not_modified(response, Some(asked));
        let names_it = asked.to_str().is_ok_and(|asked| asked.contains(r#""7""#) || asked.contains('*'));
        assert!(answer.status() == StatusCode::OK || names_it, "{asked:?} does not name the version");
    }
}

pub(super) fn forwarded(data: &[u8]) {
    let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let trusted: [IpNet; 1] = [IpNet::from(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)))];
    let headers = fields(&HeaderName::from_static("x-forwarded-for"), data);
    assert_eq!(origin::client_address(peer, &headers, &[]), peer, "a header of nobody we trust was believed");
    let client = origin::client_address(peer, &headers, &trusted);
    let hops = text(data);
    let mut named = hops.split([',', '\n']).filter_map(|hop| hop.trim().parse::<IpAddr>().ok());
    assert!(client == peer || named.any(|hop| hop.to_canonical() == client), "{client} stands nowhere");

    for (name, max) in [(header::USER_AGENT, 256), (HeaderName::from_static("x-reason"), 500)] {
        let origin = origin::anonymous(&fields(&name, data), Some(SocketAddr::new(peer, 1)), String::new(), &trusted);
        for kept in [origin.user_agent, origin.reason].into_iter().flatten() {
            assert!(kept.chars().count() <= max && !kept.chars().any(char::is_control), "{name}: {kept:?}");
        }
    }
}
