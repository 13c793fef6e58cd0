//! What the address of a page says. What stands there can be kept, sent and opened again.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use url::form_urlencoded;

use crate::app::App;

/// Names and values, in their order.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), tidied(&value))).collect())
    }

    /// With those that a form says beside its address.
    pub fn and(mut self, said: impl IntoIterator<Item = (String, String)>) -> Self {
        self.0.extend(said.into_iter().map(|(name, value)| (name, tidied(&value))));
        self
    }

    /// With one that takes the place of all that are called so.
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.0.retain(|(found, _)| found != name);
        self.0.push((name.to_owned(), value));
        self
    }

    /// The first of this name that says something.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, value)| found == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All of this name that say something.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, value)| found == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

impl FromRequestParts<App> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

/// No text of the database holds a zero byte.
fn tidied(value: &str) -> String {
    value.replace('\0', "").trim().to_owned()
}

/// The address of a page, with those of the parameters that say something.
pub fn address<'a>(path: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let query = query(parameters);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

pub fn query<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let said = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_left_out_both_ways() {
        let read = Parameters::read("q=&q=+ann+&user=1&user=2&x=a%00b");
        assert_eq!((read.get("q"), read.get("none"), read.get("x")), (Some("ann"), None, Some("ab")));
        assert_eq!(read.all("user").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(address("/admin/users", [("q", ""), ("status", "")]), "/admin/users");
        assert_eq!(address("/admin/users", [("q", "a&b"), ("status", "active")]), "/admin/users?q=a%26b&status=active");
    }
}
