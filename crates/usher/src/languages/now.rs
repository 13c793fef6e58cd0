//! The language that a request is answered in, and the time zone of who reads the answer. Both are known where the request comes in, or when
//! it turns out who asks, and needed where words are made: deep below both.

use std::cell::{Cell, RefCell};

use jiff::tz::TimeZone;

use super::Language;

struct Manner {
    language: Cell<Language>,
    zone: RefCell<TimeZone>,
}

tokio::task_local! {
    static NOW: Manner;
}

/// Whatever is said within is said in this language, unless it turns out that another one is wanted.
pub async fn speaking<F: Future>(language: Language, within: F) -> F::Output {
    NOW.scope(Manner { language: Cell::new(language), zone: RefCell::new(TimeZone::UTC) }, within).await
}

/// English where nobody asks.
pub fn now() -> Language {
    NOW.try_with(|manner| manner.language.get()).unwrap_or_default()
}

/// It has turned out who asks, and what they like. Where nobody asks nothing changes.
pub fn turn_to(language: Language) {
    let _nobody_asks = NOW.try_with(|manner| manner.language.set(language));
}

/// The zone that times are shown in: UTC where nobody asks, or they have named none.
pub fn zone_here() -> TimeZone {
    NOW.try_with(|manner| manner.zone.borrow().clone()).unwrap_or(TimeZone::UTC)
}

/// Its name, such as `Europe/Vienna`.
pub fn zone_name_here() -> String {
    zone_here().iana_name().unwrap_or("UTC").to_owned()
}

/// It has turned out who asks, and where they are. A name that is no zone is none.
pub fn turn_to_zone(name: &str) {
    if let Ok(zone) = TimeZone::get(name) {
        let _nobody_asks = NOW.try_with(|manner| manner.zone.replace(zone));
    }
}
