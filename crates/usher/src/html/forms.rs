//! What forms send. Those that change something carry a token that is bound to a cookie of the browser that was shown the form: to its
//! session, or to one that it had before.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Uri;
use http::request::Parts;
use minijinja::Value as Shown;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::app::App;
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::http::body;
use crate::languages::now;
use crate::secret::{SecretText, random_bytes};

const FORM: &str = "application/x-www-form-urlencoded";
/// The member of a form that holds its token.
pub(super) const TOKEN: &str = "form_token";
/// Most members of a form: a profile has some, and a schema of attributes up to a hundred more.
const MEMBERS_MAX: usize = 128;
/// Makes every page's token another one, so that compressed answers tell nothing of it.
const SALT_BYTES: usize = 16;

/// The token of a link: `?token=...`. Empty when there is none; the page then says that the link does not work.
pub struct LinkQuery(pub String);

impl FromRequestParts<App> for LinkQuery {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl LinkQuery {
    pub(crate) fn read(query: &str) -> Self {
        Self(parameter(query, "token"))
    }
}

/// The page of a link that was mailed, as the mail says it.
pub fn link_to(path: &str, token: &SecretText) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).append_pair("token", token.reveal()).finish())
}

/// The first parameter of this name; empty when there is none.
pub fn parameter(query: &str, name: &str) -> String {
    let members: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    members.into_iter().find(|(found, _)| found == name).map(|(_, value)| value).unwrap_or_default()
}

/// Where the page of a list begins, if it is not the first.
pub fn cursor(uri: &Uri) -> Option<String> {
    Some(parameter(uri.query().unwrap_or_default(), "cursor")).filter(|cursor| !cursor.is_empty())
}

/// The page of a list that comes after this one; empty when there is none.
pub fn next_page(path: &str, next: Option<&str>) -> String {
    let link = |next| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("cursor", next).finish();
        format!("{path}?{query}")
    };
    next.map(link).unwrap_or_default()
}

/// A form behind a link that was mailed. The token of the link is the proof of who sends it.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest<App> for Form<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let bytes = body::read_as(request, &[FORM]).await?;
        serde_html_form::from_bytes(&bytes).map(Self).map_err(|_| malformed().into())
    }
}

pub(super) fn malformed() -> Rejection {
    Rejection::bad_request("malformed_request", "The form does not fit this page. Open the page again.")
}

/// The members of a form whose token was good.
pub struct Members(BTreeMap<String, SecretText>);

impl Members {
    /// Reads the body, which is to be a form.
    pub(super) async fn read(request: Request) -> AppResult<Bytes> {
        body::read_as(request, &[FORM]).await
    }

    /// Takes the body apart, if its token belongs to the secret in the cookie of who sends it.
    pub(super) fn of(app: &App, bytes: &[u8], secret: Option<&SecretText>) -> Result<Self, Rejection> {
        let pairs: Vec<(String, String)> = serde_html_form::from_bytes(bytes).map_err(|_| malformed())?;
        if pairs.len() > MEMBERS_MAX {
            return Err(malformed());
        }
        let mut members = BTreeMap::new();
        for (name, value) in pairs {
            if members.insert(name, SecretText::new(value)).is_some() {
                return Err(malformed());
            }
        }
        let token = members.remove(TOKEN);
        require_token(app, secret, token.as_ref())?;
        Ok(Self(members))
    }

    /// Those of a form whose token is looked at elsewhere.
    pub(super) fn named(members: BTreeMap<String, SecretText>) -> Self {
        Self(members)
    }

    /// A member as it was sent, to be shown again; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map(SecretText::reveal).unwrap_or_default()
    }

    /// Whether it was sent, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The boxes that are ticked, of those whose names begin so: what follows in their names.
    pub fn ticked<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().filter_map(move |name| name.strip_prefix(prefix))
    }

    /// The form as an operation of the API would take it as its body. A field that was left empty is left out.
    pub fn parse<T: DeserializeOwned + JsonSchema + 'static>(&self) -> AppResult<T> {
        let filled = self.0.iter().filter(|(_, value)| !value.reveal().is_empty());
        let members: Map<String, Value> = filled.map(|(name, value)| (name.clone(), value.reveal().into())).collect();
        body::from_value(Value::Object(members))
    }
}

/// The refusal of a form that was not shown to this browser, or not to who is signed in there now.
fn outdated() -> Rejection {
    let detail = "It was shown before somebody signed in or out, or your browser did not send the cookie that belongs to it. Allow \
                  cookies for this site, open the page again, and send the form from there.";
    Rejection { code: "form_outdated", ..Rejection::forbidden(detail) }
}

/// A token for the forms of a page.
pub(super) fn token(app: &App, secret: &SecretText) -> String {
    let salt = random_bytes::<SALT_BYTES>();
    let mut token = salt.to_vec();
    token.extend(app.sealer.fingerprint(&bound(&salt, secret)));
    URL_SAFE_NO_PAD.encode(token)
}

/// Refuses a form that does not hold a token which belongs to the secret in the cookie of who sends it.
pub(super) fn require_token(app: &App, secret: Option<&SecretText>, token: Option<&SecretText>) -> Result<(), Rejection> {
    match (secret, token) {
        (Some(secret), Some(token)) if is_token(app, secret, token.reveal()) => Ok(()),
        _ => Err(outdated()),
    }
}

/// Compares in constant time.
fn is_token(app: &App, secret: &SecretText, token: &str) -> bool {
    let decoded = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    decoded.split_at_checked(SALT_BYTES).is_some_and(|(salt, mac)| app.sealer.is_fingerprint(&bound(salt, secret), mac))
}

fn bound(salt: &[u8], secret: &SecretText) -> Vec<u8> {
    [b"form token\0", salt, secret.reveal().as_bytes()].concat()
}

/// What is wrong with the fields of a form, in words and in their order on the page.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<(String, String)>);

/// A field of a form, for what is to be said of it.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub name: &'a str,
    /// What a sentence about it begins with.
    pub subject: &'a str,
    /// What to do when it is empty.
    pub missing: &'a str,
}

impl Faults {
    /// One at one field.
    pub fn at(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self(vec![(name.into(), text.into())])
    }

    /// What a refusal finds wrong with these fields. One that is about something else goes on as it is.
    pub fn of(error: AppError, fields: &[Field<'_>]) -> AppResult<Self> {
        let AppError::Rejected(rejection) = error else { return Err(error) };
        let said = |field: &Field<'_>| {
            let fault = rejection.errors.iter().find(|fault| fault.pointer.as_deref() == Some(&format!("/{}", field.name)))?;
            Some((field.name.to_owned(), in_words(field, fault)))
        };
        let faults: Vec<_> = fields.iter().filter_map(said).collect();
        if faults.is_empty() { Err(AppError::Rejected(rejection)) } else { Ok(Self(faults)) }
    }

    /// One more, at a field further down.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.push((name.into(), text.into()));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with this field.
    pub fn said(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == name).map(|(_, text)| text.as_str())
    }

    /// What is wrong, in the order of the fields.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, text)| text.as_str())
    }

    /// For templates: by name, and in order.
    pub(super) fn values(&self) -> (Shown, Shown) {
        let by_name: BTreeMap<&str, &str> = self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        (Serde(by_name).into(), Serde(&self.0).into())
    }
}

fn in_words(field: &Field<'_>, fault: &FieldError) -> String {
    if fault.code == "required" {
        return field.missing.to_owned();
    }
    if let Some(said) = now().fault(&fault.code, &fault.detail) {
        return said;
    }
    if fault.detail.starts_with(char::is_uppercase) {
        return fault.detail.clone();
    }
    format!("{} {}.", field.subject, fault.detail)
}
