//! The claims of a token whose signature is good, and the checks they must pass.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::error::TokenError;
use super::json;

/// The largest clock difference a verifier may allow.
pub const MAX_LEEWAY_SECONDS: i64 = 60;

/// The largest time that a JSON number carries exactly, 2^53, in both its shapes.
const MAX_SECONDS: i64 = 1 << 53;
const MAX_SECONDS_F64: f64 = 9_007_199_254_740_992.0;

/// What the verifier insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The type in the header, such as `at+jwt`.
    pub typ: &'a str,
    /// The exact `iss`.
    pub issuer: &'a str,
    /// The name that `aud` must contain.
    pub audience: &'a str,
    /// How far the clocks may differ, from 0 to 60 seconds.
    pub leeway_seconds: i64,
}

/// The claims of a verified token.
///
/// Only the verifier makes these, so holding one means that the signature, the issuer, the
/// audience and the times were found good.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    members: Map<String, Value>,
}

impl Claims {
    /// One claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// One claim, if it is a string.
    #[must_use]
    pub fn string(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// All claims.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// Reads the claims into a type of the caller's.
    ///
    /// # Errors
    /// If they do not have its shape.
    pub fn into_typed<T: DeserializeOwned>(self) -> Result<T, TokenError> {
        serde_json::from_value(Value::Object(self.members)).map_err(|_| TokenError::Shape)
    }

    /// Replaces one claim by a string that was already verified to be among its values.
    pub(super) fn narrow(mut self, name: &str, value: &str) -> Self {
        self.members.insert(name.to_owned(), Value::from(value));
        self
    }
}

/// Reads the payload of a token whose signature is good and checks the registered claims.
pub(super) fn check(payload: &[u8], expected: &Expected<'_>, now: i64) -> Result<Claims, TokenError> {
    if !(0..=MAX_LEEWAY_SECONDS).contains(&expected.leeway_seconds) {
        return Err(TokenError::Leeway);
    }
    let members = json::parse_object(payload).map_err(|_| TokenError::Json)?;
    check_issuer(&members, expected.issuer)?;
    check_audience(&members, expected.audience)?;
    check_times(&members, expected.leeway_seconds, now)?;
    Ok(Claims { members })
}

fn check_issuer(members: &Map<String, Value>, expected: &str) -> Result<(), TokenError> {
    match members.get("iss") {
        None => Err(TokenError::MissingClaim("iss")),
        Some(Value::String(issuer)) if issuer == expected => Ok(()),
        Some(Value::String(_)) => Err(TokenError::Issuer),
        Some(_) => Err(TokenError::MalformedClaim("iss")),
    }
}

fn check_audience(members: &Map<String, Value>, expected: &str) -> Result<(), TokenError> {
    let contains = match members.get("aud") {
        None => return Err(TokenError::MissingClaim("aud")),
        Some(Value::String(audience)) => audience == expected,
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => list.iter().any(|audience| audience == expected),
        Some(_) => return Err(TokenError::MalformedClaim("aud")),
    };
    if contains { Ok(()) } else { Err(TokenError::Audience) }
}

fn check_times(members: &Map<String, Value>, leeway: i64, now: i64) -> Result<(), TokenError> {
    // Parts of a second are rounded against the bearer: an expiry down, a beginning up.
    let expires = time(members, "exp", f64::floor)?.ok_or(TokenError::MissingClaim("exp"))?;
    let issued = time(members, "iat", f64::ceil)?.ok_or(TokenError::MissingClaim("iat"))?;
    let begins = time(members, "nbf", f64::ceil)?;
    let latest_start = now.saturating_add(leeway);
    if expires <= now.saturating_sub(leeway) {
        return Err(TokenError::Expired);
    }
    if issued > latest_start {
        return Err(TokenError::IssuedInFuture);
    }
    if begins.is_some_and(|begins| begins > latest_start) {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

fn time(members: &Map<String, Value>, name: &'static str, round: fn(f64) -> f64) -> Result<Option<i64>, TokenError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => seconds(number, round).map(Some).ok_or(TokenError::MalformedClaim(name)),
        Some(_) => Err(TokenError::MalformedClaim(name)),
    }
}

/// The whole seconds of a non-negative number up to 2^53.
fn seconds(number: &Number, round: fn(f64) -> f64) -> Option<i64> {
    if number.is_f64() {
        let value = number.as_f64().filter(|value| (0.0..=MAX_SECONDS_F64).contains(value))?;
        #[expect(clippy::cast_possible_truncation, reason = "rounded, and at most 2^53")]
        return Some(round(value) as i64);
    }
    number.as_i64().filter(|value| (0..=MAX_SECONDS).contains(value))
}
