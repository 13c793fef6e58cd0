//! Where a request comes from: its id, the client's address, and the caller when there is one.

use std::net::{IpAddr, SocketAddr};

use aide::operation::OperationInput;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use ipnet::IpNet;

use crate::app::App;
use crate::caller::{Caller, Person};
use crate::db::{Actor, Origin};
use crate::error::AppError;

const USER_AGENT_MAX: usize = 256;
const REASON_MAX: usize = 500;

/// The client's address: the peer's, or behind trusted proxies the right-most hop of `X-Forwarded-For` that is not one of them.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let mut client = peer;
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for hop in hops.into_iter().rev() {
        // What is not an address was not written by a proxy we trust.
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

/// Makes the origin of a request that nobody has signed yet.
pub fn anonymous(headers: &HeaderMap, peer: Option<SocketAddr>, request_id: String, trusted: &[IpNet]) -> Origin {
    let text = |name: &str, max: usize| {
        let value = String::from_utf8_lossy(headers.get(name)?.as_bytes());
        let value = value.trim();
        (!value.is_empty()).then(|| value.chars().filter(|c| !c.is_control()).take(max).collect::<String>())
    };
    Origin {
        actor: Actor::Anonymous,
        api_key: None,
        request_id: Some(request_id),
        address: peer.map(|peer| client_address(peer.ip(), headers, trusted)),
        user_agent: text(header::USER_AGENT.as_str(), USER_AGENT_MAX),
        reason: text("x-reason", REASON_MAX),
        change: None,
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let origin = parts.extensions.get::<Self>().cloned();
        origin.ok_or_else(|| anyhow::anyhow!("the layer that notes the origin is missing").into())
    }
}

impl OperationInput for Origin {}

impl FromRequestParts<App> for Caller {
    type Rejection = AppError;

    /// The guard of the operation has put the caller there; an operation declared public has none.
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| anyhow::anyhow!("a public operation asks for its caller").into())
    }
}

impl OperationInput for Caller {}

impl FromRequestParts<App> for Person {
    type Rejection = AppError;

    /// The guard of the operation has made sure of one.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.person().ok_or_else(|| anyhow::anyhow!("an operation for everybody asks for a person").into())
    }
}

impl OperationInput for Person {}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", value.parse().unwrap());
        headers
    }

    #[test]
    fn r030_the_header_counts_only_behind_a_trusted_proxy() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let address =
            |peer: &str, forwarded: &str| client_address(peer.parse().unwrap(), &headers(forwarded), &trusted).to_string();
        assert_eq!(address("203.0.113.9", "198.51.100.7"), "203.0.113.9");
        assert_eq!(address("10.0.0.1", "198.51.100.7"), "198.51.100.7");
        assert_eq!(address("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.2.3.4"), "198.51.100.7");
        assert_eq!(address("10.0.0.1", "198.51.100.7, not-an-address"), proxy.to_string());
        assert_eq!(address("::ffff:10.0.0.1", "198.51.100.7"), "198.51.100.7");
    }
}
