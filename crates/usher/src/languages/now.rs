//! The language that a request is answered in. It is known where the request comes in, or when it turns out who asks, and spoken where
//! words are made: deep below both.

use std::cell::Cell;

use super::Language;

tokio::task_local! {
    static NOW: Cell<Language>;
}

/// Whatever is said within is said in this language, unless it turns out that another one is wanted.
pub async fn speaking<F: Future>(language: Language, within: F) -> F::Output {
    NOW.scope(Cell::new(language), within).await
}

/// English where nobody asks.
pub fn now() -> Language {
    NOW.try_with(Cell::get).unwrap_or_default()
}

/// It has turned out who asks, and what they like. Where nobody asks nothing changes.
pub fn turn_to(language: Language) {
    let _nobody_asks = NOW.try_with(|now| now.set(language));
}
