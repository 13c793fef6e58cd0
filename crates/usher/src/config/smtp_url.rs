//! The mail server, as one URL: `smtp://user:password@mail.example.org:587?tls=required`.

use url::{Host, Url};

use super::Hidden;
use super::hidden::sample_problem;
use super::public_url::is_loopback;

/// Where mail is handed in, and how the way there is protected.
#[derive(Clone, Debug)]
pub struct SmtpUrl {
    /// A name or an address, the latter without brackets.
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub credentials: Option<SmtpCredentials>,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte (`smtps://`, RFC 8314).
    Implicit,
    /// STARTTLS, and no mail without it (RFC 3207).
    Required,
    /// STARTTLS when the server offers it.
    Opportunistic,
    /// Never encrypted; for a server on this machine only.
    None,
}

/// Who usher is to the mail server. The name is often a mail address, so it is hidden too.
#[derive(Clone, Debug)]
pub struct SmtpCredentials {
    pub username: Hidden<String>,
    pub password: Hidden<String>,
}

impl SmtpUrl {
    /// # Errors
    ///
    /// A sentence that says what is wrong and how to mend it, without any part of the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| format!("is not a URL; {MEND}"))?;
        if !matches!(url.scheme(), "smtp" | "smtps") {
            return Err(format!("must begin with smtp:// or smtps://; {MEND}"));
        }
        // The URL standard leaves the host of an unknown scheme unparsed, so 127.0.0.1 would pass for a name.
        let host = url.host_str().unwrap_or_default();
        let host = Host::parse(host).map_err(|_| format!("names no mail server; {MEND}"))?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("must not have a path or fragment; {MEND}"));
        }
        let host = match host {
            Host::Domain(name) => name,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let implicit = url.scheme() == "smtps";
        let credentials = credentials(&url)?;
        let tls = tls(&url, implicit, is_loopback(&host), credentials.is_some())?;
        let port = url.port().unwrap_or(if implicit { 465 } else { 587 });
        if port == 0 {
            return Err("names port 0; give the mail server's port or leave it out".to_owned());
        }
        Ok(Self { host, port, tls, credentials })
    }

    /// Whether a mail may cross a network unencrypted when somebody on the way strips STARTTLS.
    pub(super) fn can_be_downgraded(&self) -> bool {
        self.tls == SmtpTls::Opportunistic && !is_loopback(&self.host)
    }
}

const MEND: &str = "write smtp://user:password@host:port?tls=required, with special characters percent-encoded";

fn tls(url: &Url, implicit: bool, loopback: bool, signs_in: bool) -> Result<SmtpTls, String> {
    let mut pairs = url.query_pairs();
    let asked = match (pairs.next(), pairs.next()) {
        (None, _) => None,
        (Some((name, value)), None) if name == "tls" => Some(value),
        _ => {
            return Err(format!("may only carry `tls` behind the question mark; {MEND}"));
        }
    };
    if implicit {
        return match asked {
            None => Ok(SmtpTls::Implicit),
            Some(_) => Err("is encrypted from the start with smtps://; remove `tls`".to_owned()),
        };
    }
    let tls = match asked.as_deref() {
        None if loopback => SmtpTls::Opportunistic,
        None | Some("required") => SmtpTls::Required,
        Some("opportunistic") => SmtpTls::Opportunistic,
        Some("none") => SmtpTls::None,
        Some(_) => {
            return Err("has an unknown `tls`; write tls=required, tls=opportunistic or tls=none".to_owned());
        }
    };
    if tls == SmtpTls::None && !loopback {
        return Err("would send mail unencrypted over the network; write tls=required".to_owned());
    }
    if tls == SmtpTls::Opportunistic && !loopback && signs_in {
        return Err("could send the password unencrypted over the network; write tls=required".to_owned());
    }
    Ok(tls)
}

fn credentials(url: &Url) -> Result<Option<SmtpCredentials>, String> {
    let (username, password) = match (url.username(), url.password()) {
        ("", None) => return Ok(None),
        ("", Some(_)) => return Err(format!("has a password but no user name; {MEND}")),
        (_, None) => return Err(format!("has a user name but no password; {MEND}")),
        (username, Some(password)) => (percent_decoded(username)?, percent_decoded(password)?),
    };
    if let Some(problem) = sample_problem(password.expose()) {
        return Err(format!("has a bad password: it {problem}"));
    }
    Ok(Some(SmtpCredentials { username, password }))
}

/// RFC 3986 2.1. What `form_urlencoded` does is no substitute, since it turns `+` into a space.
fn percent_decoded(text: &str) -> Result<Hidden<String>, String> {
    let bad = || "has a % that begins no percent-encoded UTF-8; write %25 for a percent sign".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = after.first_chunk::<2>().filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            let digits = digits.and_then(|digits| str::from_utf8(digits).ok()).ok_or_else(bad)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).map(Hidden::new).map_err(|_| bad())
}
