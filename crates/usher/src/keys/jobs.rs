//! Replacing keys in time, and forgetting those whose last token has expired.

use std::time::Duration;

use crate::jobs::Registry;

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_mins(5), "tend_signing_keys", |app, _| Box::pin(super::tend(app)));
}
