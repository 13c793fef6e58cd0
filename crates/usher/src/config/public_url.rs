//! The one origin under which people reach usher. It comes from the configuration, never from a header.

use std::fmt;
use std::net::IpAddr;

use url::Url;

/// An `http` or `https` origin: no path, query, fragment or user information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    /// Without the trailing slash.
    text: String,
}

impl PublicUrl {
    /// # Errors
    ///
    /// A sentence that says what is wrong and how to mend it.
    pub fn parse(text: &str) -> Result<Self, String> {
        const MEND: &str = "give an origin such as https://users.example.org";
        let url = Url::parse(text).map_err(|error| format!("is not a URL ({error}); {MEND}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("must begin with https:// or http://; {MEND}"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("must not carry a user name or password; {MEND}"));
        }
        if url.path() != "/" {
            return Err(format!("must not have a path, since usher serves whole origins; {MEND}"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("must not have a query or fragment; {MEND}"));
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The origin without a trailing slash, as in `https://users.example.org`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of `path` (which may carry a query) under this origin; no path can lead to another host.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        let path = path.strip_prefix('/').unwrap_or(path);
        Url::parse(&format!("{}/{path}", self.text)).expect("any text behind an origin and a slash parses as a path")
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the host is this machine, as seen by the one who follows the link.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.url.host_str().is_some_and(is_loopback)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Whether what is sent to `host`, a name or an address, stays on this machine (RFC 6761 6.3 for names).
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
