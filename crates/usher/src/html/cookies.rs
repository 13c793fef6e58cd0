//! The cookies of browsers. Over https their names begin with `__Host-`, so that neither another host nor another path can have set
//! them; over plain http, on the machine of who tries usher out, browsers take no such name. Two of one name are refused.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;

use crate::app::App;
use crate::error::{AppResult, Rejection};
use crate::secret::SecretText;

/// What usher leaves with a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Whose session it is.
    Session,
    /// The device that it is known by.
    Device,
    /// What forms are bound to while nobody is signed in.
    Form,
    /// What has just happened, for the page that comes next.
    Notice,
    /// A sign-in that waits for the second factor.
    Pending,
    /// The language that was chosen in it.
    Language,
}

const ALL: [Cookie; 6] = [Cookie::Session, Cookie::Device, Cookie::Form, Cookie::Notice, Cookie::Pending, Cookie::Language];

impl Cookie {
    fn name(self, is_https: bool) -> &'static str {
        let hardened = match self {
            Self::Session => "__Host-usher",
            Self::Device => "__Host-usher-device",
            Self::Form => "__Host-usher-form",
            Self::Notice => "__Host-usher-notice",
            Self::Pending => "__Host-usher-pending",
            Self::Language => "__Host-usher-language",
        };
        if is_https { hardened } else { hardened.trim_start_matches("__Host-") }
    }
}

/// Those of usher's cookies that came with a request.
#[derive(Debug, Default)]
pub struct Cookies(Vec<(Cookie, SecretText)>);

impl Cookies {
    /// Reads them. Others are none of usher's.
    pub fn read(headers: &HeaderMap, is_https: bool) -> Result<Self, Rejection> {
        let mut found: Vec<(Cookie, SecretText)> = Vec::new();
        let pairs = headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        for pair in pairs {
            let pair = pair.trim_ascii();
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = (&pair[..at], pair.get(at + 1..).unwrap_or_default());
            let Some(cookie) = ALL.into_iter().find(|cookie| cookie.name(is_https).as_bytes() == name) else { continue };
            if found.iter().any(|(other, _)| *other == cookie) {
                let detail =
                    "Your browser sent two cookies of one name. Delete the cookies of this site, then open the page again.";
                return Err(Rejection::bad_request("repeated_cookie", detail));
            }
            found.push((cookie, SecretText::new(String::from_utf8_lossy(value).into_owned())));
        }
        Ok(Self(found))
    }

    pub fn get(&self, cookie: Cookie) -> Option<&SecretText> {
        self.0.iter().find(|(found, _)| *found == cookie).map(|(_, value)| value)
    }
}

/// Leaves a cookie with the browser: for so long, or until it is closed.
pub fn set(app: &App, response: &mut Response, cookie: Cookie, value: &str, lasts: Option<SignedDuration>) -> AppResult<()> {
    let is_https = app.config.server.public_url.is_https();
    let secure = if is_https { "; Secure" } else { "" };
    let age = lasts.map(|lasts| format!("; Max-Age={}", lasts.as_secs())).unwrap_or_default();
    let text = format!("{}={value}; Path=/{secure}; HttpOnly; SameSite=Lax{age}", cookie.name(is_https));
    let mut header = HeaderValue::try_from(text).map_err(anyhow::Error::from)?;
    header.set_sensitive(true);
    response.headers_mut().append(header::SET_COOKIE, header);
    Ok(())
}

/// Takes a cookie away.
pub fn forget(app: &App, response: &mut Response, cookie: Cookie) -> AppResult<()> {
    set(app, response, cookie, "", Some(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str], is_https: bool) -> Result<Cookies, Rejection> {
        let headers = values.iter().map(|value| (header::COOKIE, HeaderValue::from_str(value).unwrap())).collect();
        Cookies::read(&headers, is_https)
    }

    fn session(values: &[&str], is_https: bool) -> Option<String> {
        read(values, is_https).unwrap().get(Cookie::Session).map(|value| value.reveal().to_owned())
    }

    #[test]
    fn r100_over_https_only_the_hardened_name_counts() {
        assert_eq!(session(&["other=1; __Host-usher=abc; x"], true).as_deref(), Some("abc"));
        assert_eq!(session(&["usher=abc"], true), None);
        assert_eq!(session(&["usher=abc"], false).as_deref(), Some("abc"));
        assert_eq!(session(&["__Host-usher=abc"], false), None);
        for none in ["", ";", "=", "usher", "Usher=abc", "usher =abc", "usher-device=abc", "\"usher\"=abc"] {
            assert!(session(&[none], false).is_none_or(|value| value.is_empty()), "{none}");
        }
    }

    #[test]
    fn r109_two_cookies_of_one_name_are_refused_wherever_they_stand() {
        for values in [&["usher=a; usher=b"][..], &["usher=a", "usher=b"], &["usher=a; usher=a"], &["usher; usher=a"]] {
            assert_eq!(read(values, false).unwrap_err().code, "repeated_cookie", "{values:?}");
        }
        assert!(read(&["x=1; x=2; usher=a"], false).is_ok(), "others are none of usher's");
    }
}
