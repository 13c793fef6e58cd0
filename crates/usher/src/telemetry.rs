//! Logs on standard output (twelve-factor XI) and Prometheus metrics. No address, token or password is ever logged.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// Upper bounds of the duration histograms, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Libraries that would repeat what usher says itself, or show what nobody shall see: parameters of statements, headers, mails.
const QUIET: &str = "refinery_core=warn,deadpool_postgres=error,tokio_postgres=warn,hyper=info,h2=info,lettre=info,rustls=info";

/// Leaves out what looks like a mail address: errors of mail servers and of PostgreSQL repeat what they were given.
pub fn without_addresses(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| if word.contains('@') { "<address> " } else { word }).collect()
}

/// Starts logging. Libraries speak up from warnings on.
pub fn init_logs(log: &Log) -> anyhow::Result<()> {
    // The migrations library tells of every start, and the pool of every connection that the database closes: usher says both itself.
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.level))?;
    let registry = tracing_subscriber::registry().with(filter);
    match log.format {
        LogFormat::Json => registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true)).try_init()?,
        LogFormat::Human => registry
            .with(tracing_subscriber::fmt::layer().with_target(false).with_ansi(std::io::stdout().is_terminal()))
            .try_init()?,
    }
    Ok(())
}

/// The process's metrics; installed at the first call.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .expect("the buckets are not empty")
            .install_recorder()
            .expect("the recorder is installed once")
    })
}
