//! `usher healthcheck`: whether the process beside it can serve, for images that have no other program to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Failure, Outcome, output};
use crate::config::Config;

const WITHIN: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Asks `/readyz` where this configuration serves it.
pub async fn run(config: &Config, worker: bool) -> Outcome {
    let address = match (worker, config.server.metrics_listen) {
        (false, _) => config.server.listen,
        (true, Some(address)) => address,
        (true, None) => return Err(Failure::usage("a worker can be asked only where USHER_METRICS_LISTEN says")),
    };
    let asked = tokio::time::timeout(WITHIN, ask(reachable(address))).await;
    let (status, body) = asked.with_context(|| format!("no answer from {address} within {} s", WITHIN.as_secs()))??;
    if status != StatusCode::OK {
        return Err(anyhow::anyhow!("{address} answered {status}: {body}").into());
    }
    output::say("ready");
    Ok(())
}

async fn ask(address: SocketAddr) -> anyhow::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/readyz").header(header::HOST, "localhost").body(Body::empty())?;
    let answer = sender.send_request(request).await.with_context(|| format!("asking {address}"))?;
    let status = answer.status();
    let body = to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Who listens on every network is asked on this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
