//! A value that must not be shown: no `Display`, no `Serialize`, a masked `Debug`, and zeroed when dropped.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// What stands in place of a secret wherever a configuration is shown.
pub(super) const MASK: &str = "********";

/// Keeps a secret from being shown by accident. [`Hidden::expose`] is the only way to it.
#[derive(Clone)]
pub struct Hidden<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Hidden<T> {
    #[must_use]
    pub fn new(secret: T) -> Self {
        Self(Zeroizing::new(secret))
    }

    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Hidden<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

/// Says why `text` is no secret: it is empty or one of the samples that documents and templates carry.
pub(super) fn sample_problem(text: &str) -> Option<&'static str> {
    const SAMPLES: [&str; 4] = ["changeme", "secret", "password", "example"];
    let Some(first) = text.chars().next() else {
        return Some("is empty; give a secret of your own");
    };
    if text.chars().all(|character| character == first) {
        return Some("is one character over and over, which anybody can guess; give a secret of your own");
    }
    let word: String = text.chars().filter(|character| character.is_alphanumeric()).collect();
    SAMPLES.contains(&word.to_lowercase().as_str()).then_some("is a sample, which anybody can guess; give a secret of your own")
}
