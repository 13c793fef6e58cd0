//! Where somebody goes on to after they have signed in: a path of this very site and nothing else.

use axum::extract::FromRequestParts;
use http::request::Parts;
use url::form_urlencoded;

use super::forms::parameter;
use crate::app::App;
use crate::config::PublicUrl;
use crate::error::AppError;

/// Longest path that is kept, in bytes.
const PATH_MAX: usize = 2048;

/// A path of this site with its query. Without one, people go on to their account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnTo(Option<String>);

impl ReturnTo {
    /// Anything but a path of this site is none: browsers read `//`, `\` and what is between control characters as another site.
    pub fn parse(text: &str, site: &PublicUrl) -> Self {
        let is_path = text.starts_with('/') && !text.starts_with("//") && text.len() <= PATH_MAX;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let stays = || site.url().join(text).is_ok_and(|url| url.origin() == site.url().origin());
        Self((is_path && is_plain && stays()).then(|| text.to_owned()))
    }

    /// The path, or nothing: for a form to carry on.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Where to go.
    pub fn path(&self) -> &str {
        self.0.as_deref().unwrap_or("/account")
    }

    /// The page `path`, which comes back to here.
    pub fn by_way_of(&self, path: &str) -> String {
        match &self.0 {
            Some(to) => {
                let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", to).finish();
                format!("{path}?{query}")
            }
            None => path.to_owned(),
        }
    }
}

impl FromRequestParts<App> for ReturnTo {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let text = parameter(parts.uri.query().unwrap_or_default(), "return_to");
        Ok(Self::parse(&text, &app.config.server.public_url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        ReturnTo::parse(text, &PublicUrl::parse("https://id.example.com").unwrap()).path().to_owned()
    }

    #[test]
    fn a_path_of_this_site_is_kept_with_its_query() {
        for good in ["/", "/account", "/account/sessions?cursor=abc&x=%2F", "/a//b", "/a?next=//evil.example", "/@evil.example"] {
            assert_eq!(path(good), good);
        }
    }

    #[test]
    fn what_a_browser_could_read_as_another_site_leads_to_the_account() {
        for bad in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/\n/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/\u{0}",
            "/\u{ff0f}evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "@evil.example",
            "?a",
            "#a",
        ] {
            assert_eq!(path(bad), "/account", "{bad:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(PATH_MAX))), "/account");
    }

    #[test]
    fn the_way_back_is_one_parameter_whatever_it_holds() {
        let site = PublicUrl::parse("https://id.example.com").unwrap();
        let to = ReturnTo::parse("/a?b=c&return_to=/d#e", &site);
        assert_eq!(to.by_way_of("/sign-in"), "/sign-in?return_to=%2Fa%3Fb%3Dc%26return_to%3D%2Fd%23e");
        assert_eq!(ReturnTo::default().by_way_of("/sign-in"), "/sign-in");
    }
}
