//! A user, as the plain evaluator sees them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use usher_oidc::filter::{AttributePath, Number, Resource, Value};

use crate::users::{Name, User, UserEmail};

/// What is known of a user besides what they are shown as.
#[derive(Clone, Default)]
pub struct Known {
    /// The roles that they have by groups.
    pub roles: BTreeSet<&'static str>,
    pub groups: Vec<Way>,
    /// Whether an app is confirmed.
    pub app: bool,
    pub passkey: bool,
    pub last_day: Date,
}

/// A way into a group.
#[derive(Clone)]
pub struct Way {
    pub id: String,
    pub name: &'static str,
    pub is_direct: bool,
}

pub struct Seen<'a>(pub &'a User, pub &'a Known);

struct SeenEmail<'a>(&'a UserEmail);

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

fn time(at: Option<Timestamp>) -> Vec<Value<'static>> {
    at.map(|at| Value::Time(at.as_microsecond())).into_iter().collect()
}

fn begin_of(day: Date) -> i64 {
    day.to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond()
}

/// As the schema of the test has it.
fn attribute<'a>(name: &str, value: &'a Json) -> Vec<Value<'a>> {
    match value {
        Json::String(at) if name == "start" => time(Some(at.parse().unwrap())),
        Json::String(value) => vec![text(value)],
        Json::Number(number) => vec![Value::Number(Number::parse(&number.to_string()).unwrap())],
        Json::Bool(value) => vec![Value::Boolean(*value)],
        Json::Array(items) => items.iter().map(|item| text(item.as_str().unwrap())).collect(),
        _ => Vec::new(),
    }
}

impl Resource for Seen<'_> {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        let user = self.0;
        let name = |name: &'_ Option<Name>| {
            name.as_ref().map(|name| name.0.clone()).into_iter().map(|name| Value::Text(name.into())).collect()
        };
        match path.as_str() {
            "id" => vec![Value::Text(Cow::Owned(user.id.to_string()))],
            "userName" => vec![text(&user.username)],
            "displayName" => name(&user.profile.display_name),
            "givenName" | "name.givenName" => name(&user.profile.given_name),
            "familyName" | "name.familyName" => name(&user.profile.family_name),
            "locale" => user.profile.locale.iter().map(|locale| text(&locale.0)).collect(),
            "timeZone" => user.profile.time_zone.iter().map(|zone| text(&zone.0)).collect(),
            "status" => vec![text(user.status.as_str())],
            "email" => user.email.iter().map(|address| text(address)).collect(),
            "emails" => user.emails.iter().map(|email| text(&email.address)).collect(),
            "emailVerified" => user.email.iter().map(|_| Value::Boolean(user.email_verified)).collect(),
            "roles" => user.roles.iter().map(String::as_str).chain(self.1.roles.iter().copied()).map(text).collect(),
            "groups" => self.1.groups.iter().flat_map(Way::called).collect(),
            "secondFactors" | "secondFactors.any" => vec![Value::Boolean(self.1.app || self.1.passkey)],
            "secondFactors.app" => vec![Value::Boolean(self.1.app)],
            "secondFactors.passkey" => vec![Value::Boolean(self.1.passkey)],
            "lastActiveOn" => vec![Value::Time(begin_of(self.1.last_day))],
            "createdAt" => time(Some(user.created_at)),
            "updatedAt" => time(Some(user.updated_at)),
            "lockedUntil" => time(user.locked_until),
            "professionalAt" => time(user.professional_at),
            "lastSignInAt" => time(user.last_sign_in_at),
            "deletedAt" => time(user.deleted_at),
            other => match other.strip_prefix("attributes.") {
                Some(name) => user.attributes.get(name).map_or_else(Vec::new, |value| attribute(name, value)),
                None => panic!("the test generates no {other}"),
            },
        }
    }

    fn elements(&self, path: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        match path.as_str() {
            "emails" => self.0.emails.iter().map(|email| Box::new(SeenEmail(email)) as Box<dyn Resource>).collect(),
            "groups" => self.1.groups.iter().map(|way| Box::new(way) as Box<dyn Resource>).collect(),
            _ => Vec::new(),
        }
    }

    fn is_case_exact(&self, _: &AttributePath) -> bool {
        false
    }

    fn time(&self, text: &str) -> Option<i64> {
        let moment = text.parse::<Timestamp>().map(Timestamp::as_microsecond);
        moment.ok().or_else(|| text.parse().ok().map(begin_of))
    }
}

impl Way {
    /// By what it is asked for alone.
    fn called(&self) -> [Value<'_>; 2] {
        [text(&self.id), text(self.name)]
    }
}

impl Resource for Way {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        match path.as_str() {
            "value" => self.called().into(),
            "display" => vec![text(self.name)],
            _ => vec![text(if self.is_direct { "direct" } else { "indirect" })],
        }
    }

    fn elements(&self, _: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        Vec::new()
    }

    fn is_case_exact(&self, _: &AttributePath) -> bool {
        false
    }

    fn time(&self, _: &str) -> Option<i64> {
        None
    }
}

impl Resource for SeenEmail<'_> {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        match path.as_str() {
            "value" => vec![text(&self.0.address)],
            "primary" => vec![Value::Boolean(self.0.primary)],
            _ => vec![Value::Boolean(self.0.verified_at.is_some())],
        }
    }

    fn elements(&self, _: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        Vec::new()
    }

    fn is_case_exact(&self, _: &AttributePath) -> bool {
        false
    }

    fn time(&self, _: &str) -> Option<i64> {
        None
    }
}
