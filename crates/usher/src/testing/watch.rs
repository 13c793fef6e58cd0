//! Listens to the log of a test: an error that the test did not expect fails it.

use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

#[derive(Default)]
struct Heard {
    errors: Vec<String>,
    expected: Vec<String>,
}

/// The log of this thread; a test's runtime has one thread.
pub struct Watch {
    heard: Arc<Mutex<Heard>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Watch {
    pub fn begin() -> Self {
        let heard = Arc::<Mutex<Heard>>::default();
        let subscriber = tracing_subscriber::registry().with(Listener(Arc::clone(&heard)));
        Self { heard, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub fn expect(&self, text: &str) {
        self.heard.lock().unwrap().expected.push(text.to_owned());
    }

    pub fn finish(&self) {
        let mut heard = self.heard.lock().unwrap();
        let errors = std::mem::take(&mut heard.errors);
        let unexpected: Vec<_> =
            errors.iter().filter(|error| !heard.expected.iter().any(|expected| error.contains(expected.as_str()))).collect();
        assert!(unexpected.is_empty(), "errors were logged: {unexpected:#?}");
    }
}

struct Listener(Arc<Mutex<Heard>>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // What an authenticator sends that does not fit is its error, not ours.
        if *event.metadata().level() == Level::ERROR && !event.metadata().target().starts_with("webauthn_rs") {
            let mut text = Text::default();
            event.record(&mut text);
            self.0.lock().unwrap().errors.push(text.0);
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
