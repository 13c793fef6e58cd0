//! Accepts connections, bounds how long a client may take to speak, and drains them on the way out.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderValue, Version, header};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const STREAMS_MAX: u32 = 200;
/// Whoever connects to ask something asks at once.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(1);

/// Whether the process is about to stop: it still serves, and leads clients to others.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<watch::Sender<bool>>);

impl Draining {
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has. What would go on for ever ends then.
    pub async fn begun(&self) {
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}

/// Serves until `stop` ends, then lets running requests end within `grace`.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>, grace: Duration, draining: &Draining) {
    let (unread, mut all_read) = mpsc::channel(1);
    let connections = Connections {
        router: router.layer(from_fn_with_state(draining.clone(), close_when_draining)),
        builder: builder(),
        graceful: GracefulShutdown::new(),
        unread,
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connections.serve(stream, peer),
                Err(error) => {
                    // Too many open files, most likely: wait for some to close.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut stop => break,
        }
    }
    // New connections go elsewhere while the present ones are drained. Those that the system has taken already would be reset, and
    // one that no request was read from yet would be ended: a POST may be on its way there, which nobody can repeat.
    if let Err(error) = connections.serve_waiting(listener) {
        tracing::warn!(%error, "connections that waited were not accepted");
    }
    let Connections { graceful, unread, .. } = connections;
    drop(unread);
    let _ = tokio::time::timeout(FIRST_REQUEST_WITHIN, all_read.recv()).await;
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = grace.as_secs(), "some requests had not ended when the time for it was over");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_headers(120);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX).max_header_list_size(32 * 1024);
    builder
}

struct Connections {
    router: Router,
    builder: Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    /// Each connection holds a clone until its first request is there.
    unread: mpsc::Sender<Infallible>,
}

impl Connections {
    fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let unread = Arc::new(Mutex::new(Some(self.unread.clone())));
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |request| {
            unread.lock().unwrap_or_else(PoisonError::into_inner).take();
            router.call(with_peer(request, peer))
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = self.graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }

    /// The system has accepted these; then it takes no more.
    fn serve_waiting(&self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.serve(TcpStream::from_std(stream)?, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// A connection that is kept would be ended later, perhaps when the next request is on its way; a POST can't be repeated then. The
/// header is one of HTTP/1 (RFC 9112, section 9.6).
async fn close_when_draining(State(draining): State<Draining>, request: Request, next: Next) -> Response {
    let keeps = request.version() < Version::HTTP_2;
    let mut response = next.run(request).await;
    if keeps && draining.has_begun() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn with_peer(request: Request<Incoming>, peer: SocketAddr) -> Request {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}
