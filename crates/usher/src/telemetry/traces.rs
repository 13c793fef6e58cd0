//! Traces by OpenTelemetry: what a request, a job and each statement of theirs took. Spans carry templates of routes and texts of
//! statements, never what was filled in. They are for the collector alone; log lines name the trace they belong to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use http::{HeaderMap, StatusCode};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{KeyValue, propagation::TextMapPropagator};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber, trace_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::config;
use crate::error::LogAndIgnore;
use crate::id::new_uuid;

/// Of every span here, and of nothing else; kept from the log.
pub(super) const TARGET: &str = "usher::traces";
const COLLECTOR_WITHIN: Duration = Duration::from_secs(5);

/// What sends the spans, until the process ends.
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Prepares the way to the collector, which may be away.
    pub(super) fn new(config: Option<&config::Traces>) -> anyhow::Result<Self> {
        let Some(config) = config else { return Ok(Self(None)) };
        let exporter = SpanExporter::builder().with_http().with_endpoint(config.url.as_str()).with_timeout(COLLECTOR_WITHIN);
        let exporter = exporter.build().context("preparing the way to USHER_TRACES_URL")?;
        let begun_here = Sampler::TraceIdRatioBased(f64::from(config.sample_percent) / 100.0);
        let about_us = [
            KeyValue::new("service.name", "usher"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", new_uuid(Clock::system().now()).to_string()),
        ];
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Watched { exporter, is_away: AtomicBool::new(false) })
            .with_sampler(Sampler::ParentBased(Box::new(begun_here)))
            .with_resource(Resource::builder_empty().with_attributes(about_us).build());
        Ok(Self(Some(provider.build())))
    }

    /// Takes the spans of this module, and no others.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let layer = tracing_opentelemetry::layer()
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_tracer(self.0.as_ref()?.tracer("usher"));
        Some(layer.with_filter(Targets::new().with_target(TARGET, LevelFilter::TRACE)))
    }

    /// Sends what is left.
    pub async fn stop(self) {
        let Some(provider) = self.0 else { return };
        let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(COLLECTOR_WITHIN)).await;
        sent.log_and_ignore("the last spans are lost");
    }
}

/// Says in the log when the collector stops taking spans, and when it takes them again: the library tells nobody.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    is_away: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let sent = self.exporter.export(batch).await;
        let was_away = self.is_away.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !was_away => {
                tracing::warn!(%error, count, "the collector of USHER_TRACES_URL takes no spans: they are lost");
            }
            Ok(()) if was_away => tracing::info!("the collector of USHER_TRACES_URL takes spans again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// A request. It goes on with the trace that headers name, if they are from somebody whom we believe.
pub fn request(method: &'static str, route: &str, scheme: &'static str, sent: Option<&HeaderMap>) -> Span {
    let span = trace_span!(
        target: TARGET, "request", otel.name = Empty, otel.kind = "server", otel.status_code = Empty,
        "http.request.method" = method, "http.route" = route, "http.response.status_code" = Empty, "url.scheme" = scheme
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("{method} {route}"));
        if let Some(headers) = sent {
            let _ = span.set_parent(TraceContextPropagator::new().extract(&Carrier(headers)));
        }
    }
    span
}

/// How a request ended.
pub fn answered(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}

/// The id of the trace that the span belongs to, if it is one of ours.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let id = context.span().span_context().trace_id();
    (id != opentelemetry::TraceId::INVALID).then(|| id.to_string())
}

/// A statement, with `$1` where its parameters go.
pub fn statement(sql: &str) -> Span {
    let span = trace_span!(
        target: TARGET, "statement", otel.name = Empty, otel.kind = "client", "db.system.name" = "postgresql",
        "db.operation.name" = Empty, "db.query.text" = Empty
    );
    if !span.is_disabled() {
        let text = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let operation = text.split(' ').next().unwrap_or_default().to_uppercase();
        span.record("otel.name", operation.as_str());
        span.record("db.operation.name", operation);
        span.record("db.query.text", text);
    }
    span
}

/// The wait for a hashing thread and its work.
pub fn hashing() -> Span {
    trace_span!(target: TARGET, "hash password")
}

/// A job: the beginning of a trace.
pub fn job(kind: &str) -> Span {
    trace_span!(target: TARGET, parent: None, "job", otel.name = format!("job {kind}"), otel.kind = "consumer")
}

/// A mail on its way to the mail server.
pub fn mail(template: &str) -> Span {
    trace_span!(target: TARGET, "send mail", otel.kind = "client", "mail.template" = template)
}

struct Carrier<'a>(&'a HeaderMap);

impl opentelemetry::propagation::Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
