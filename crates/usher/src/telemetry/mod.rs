//! Logs on standard output (twelve-factor XI), Prometheus metrics, and traces for a collector. No address, token or password is ever logged.

mod traces;

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use traces::{Traces, answered, hashing, job, mail, request, statement, trace_id};

use crate::config::{Log, LogFormat};

/// Upper bounds of the duration histograms, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Libraries that would repeat what usher says itself, or show what nobody shall see: parameters of statements, headers, mails. That of
/// passkeys calls it an error when somebody sends what does not fit.
const QUIET: &str = "refinery_core=warn,deadpool_postgres=error,tokio_postgres=warn,hyper=info,h2=info,lettre=info,rustls=info,\
    opentelemetry=warn,webauthn_rs=off";

/// Leaves out what looks like a mail address: errors of mail servers and of PostgreSQL repeat what they were given.
pub fn without_addresses(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| if word.contains('@') { "<address> " } else { word }).collect()
}

/// Starts logging and tracing. Libraries speak up from warnings on.
pub fn init(log: &Log) -> anyhow::Result<Traces> {
    // The migrations library tells of every start, and the pool of every connection that the database closes: usher says both itself.
    let filter = EnvFilter::try_new(format!("{QUIET},{},{}=off", log.level, traces::TARGET))?;
    let lines = tracing_subscriber::fmt::layer();
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Human => lines.with_target(false).with_ansi(std::io::stdout().is_terminal()).with_filter(filter).boxed(),
    };
    let traces = Traces::new(log.traces.as_ref())?;
    tracing_subscriber::registry().with(lines).with(traces.layer()).try_init()?;
    Ok(traces)
}

/// The process's metrics; installed at the first call.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .expect("the buckets are not empty")
            .install_recorder()
            .expect("the recorder is installed once");
        metrics::gauge!("usher_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        handle
    })
}
