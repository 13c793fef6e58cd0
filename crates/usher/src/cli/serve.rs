//! `usher serve`, `usher worker` and `usher setup-token`.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Failure, Outcome, boot, output, queues, secret_key};
use crate::app::App;
use crate::audit::log::Sealing;
use crate::config::{Config, Report};
use crate::db::listen::Listener;
use crate::error::LogAndIgnore;
use crate::http::serve::Draining;
use crate::http::{probes, serve as http};
use crate::jobs::Worker;
use crate::secret::SecretText;
use crate::telemetry::{self, Traces};
use crate::{attributes, audit, brand, faults, keys, router, setup};

pub async fn serve(config: Config, report: &Report) -> Outcome {
    let traces = start_telemetry(&config, report)?;
    let mut stop = Stop::new()?;
    let address = config.server.listen;
    // First of all: a port that is taken must not cost a migration.
    let listener = listen(address).with_context(|| format!("listening on {address} (USHER_LISTEN)"))?;
    let metrics_listener = listen_for_metrics(&config).await?;
    let grace = config.server.shutdown_grace;
    let starting = listener.try_clone().and_then(TcpListener::from_std).map_err(anyhow::Error::from)?;
    let ready = async {
        boot::verify_password_filter(&config).await?;
        let running = boot::open(config).await?;
        let app = running.app.clone();
        // It takes as long as the database does.
        let router = tokio::task::spawn_blocking(move || router::router(&app));
        boot::prepare(&running.app).await?;
        Ok::<_, Failure>((running, router.await.map_err(anyhow::Error::from)?))
    };
    let never = Draining::default();
    let (announce, ready_for) = watch::channel(None);
    let (running, router) = tokio::select! {
        ready = ready => ready?,
        // Until then probes are told that the process lives, and everybody else to come back.
        () = http::serve(starting, probes::starting_router(ready_for), std::future::pending(), grace, &never) => return Ok(()),
        () = stop.asked() => return Ok(()),
    };
    let app = running.app.clone();
    let notifications = Listener::start(&app.db);
    keys::follow(app.clone(), &notifications);
    attributes::follow(&app, &notifications);
    brand::follow(&app, &notifications);
    audit::note_start(&app, "serve", report).await.map_err(anyhow::Error::from)?;
    let worker = app.config.run_worker.then(|| Worker::start(app.clone(), router::jobs(), &notifications));
    let sealing = app.config.run_worker.then(|| Sealing::start(app.clone()));
    if app.config.run_worker {
        queues::watch(app.clone());
    }
    if running.is_private() {
        leave_setup_token(&app).await?;
    }
    serve_metrics(&app, metrics_listener);
    let (url, version) = (app.config.server.public_url.as_str(), env!("CARGO_PKG_VERSION"));
    tracing::info!(%address, url, version, worker = worker.is_some(), "serving");
    let listener = TcpListener::from_std(listener).map_err(anyhow::Error::from)?;
    // Who came while the server started is answered now.
    announce.send_replace(Some(router.clone()));
    http::serve(listener, router, stop.after_delay(&app), grace, &app.draining).await;
    tracing::info!("stopping");
    if let Some(worker) = worker {
        worker.stop().await;
    }
    if let Some(sealing) = sealing {
        sealing.stop().await;
    }
    running.stop().await;
    traces.stop().await;
    Ok(())
}

pub async fn work(config: Config, report: &Report) -> Outcome {
    let traces = start_telemetry(&config, report)?;
    let mut stop = Stop::new()?;
    let metrics_listener = listen_for_metrics(&config).await?;
    let running = tokio::select! {
        running = boot::ready(config) => running?,
        () = stop.asked() => return Ok(()),
    };
    let app = running.app.clone();
    serve_metrics(&app, metrics_listener);
    let notifications = Listener::start(&app.db);
    keys::follow(app.clone(), &notifications);
    attributes::follow(&app, &notifications);
    brand::follow(&app, &notifications);
    audit::note_start(&app, "worker", report).await.map_err(anyhow::Error::from)?;
    let worker = Worker::start(app.clone(), router::jobs(), &notifications);
    let sealing = Sealing::start(app.clone());
    queues::watch(app.clone());
    tracing::info!("working");
    stop.asked().await;
    tracing::info!("stopping");
    worker.stop().await;
    sealing.stop().await;
    running.stop().await;
    traces.stop().await;
    Ok(())
}

pub async fn print_setup_token(config: Config) -> Outcome {
    let running = boot::ready(config).await?;
    let token = setup::issue_token(&running.app).await?;
    if running.is_private()
        && let Some(token) = &token
    {
        keep_setup_token(&running.app, token).await?;
    }
    running.stop().await;
    match token {
        Some(token) => {
            output::say(token.reveal());
            Ok(())
        }
        None => Err(Failure { code: 1, message: "there is an administrator already: sign in".to_owned() }),
    }
}

/// A listener of the standard library can be shared: one half serves while the server starts, the other when it has.
fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn listen_for_metrics(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.server.metrics_listen else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    Ok(Some(listener.with_context(|| format!("listening on {address} (USHER_METRICS_LISTEN)"))?))
}

/// Until the process ends.
fn serve_metrics(app: &App, listener: Option<TcpListener>) {
    let Some(listener) = listener else { return };
    let (router, grace) = (probes::metrics_router(app), app.config.server.shutdown_grace);
    tokio::spawn(async move { http::serve(listener, router, std::future::pending(), grace, &Draining::default()).await });
}

fn start_telemetry(config: &Config, report: &Report) -> anyhow::Result<Traces> {
    let traces = telemetry::init(&config.log)?;
    telemetry::metrics();
    faults::warn();
    for warning in &report.warnings {
        tracing::warn!(variable = warning.variable, "{}", warning.message);
    }
    Ok(traces)
}

/// In the zero-config default the newcomer finds the token in the data directory; it never goes through a log.
async fn leave_setup_token(app: &App) -> anyhow::Result<()> {
    match setup::issue_token(app).await? {
        Some(token) => {
            keep_setup_token(app, &token).await?;
            let path = setup::token_file(app);
            tracing::info!(file = %path.display(), "there is no administrator yet: the setup token is in this file");
        }
        None => setup::forget_token_file(app).await.log_and_ignore("a token in it does not work any more"),
    }
    Ok(())
}

/// Puts the token into its file; the one that was there does not work any more.
async fn keep_setup_token(app: &App, token: &SecretText) -> anyhow::Result<()> {
    setup::forget_token_file(app).await?;
    secret_key::write_private(&setup::token_file(app), &format!("{}\n", token.reveal()))
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Asked, and then long enough for proxies to notice; who asks again does not want to wait.
    async fn after_delay(&mut self, app: &App) {
        self.asked().await;
        app.draining.begin();
        let delay = app.config.server.shutdown_delay;
        if delay.is_zero() {
            return;
        }
        tracing::info!(seconds = delay.as_secs(), "about to stop: serving on while proxies look elsewhere");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.asked() => {}
        }
    }
}
