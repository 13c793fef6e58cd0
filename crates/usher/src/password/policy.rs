//! What a new password must be: long, not common, not about this service or this person. No composition rules.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::BYTES_MAX;
use crate::error::{FieldError, Rejection};
use crate::secret::SecretText;

/// Common passwords that are long enough to pass the length rule; see `blocklist.md` for their source.
static BLOCKLIST: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("blocklist.txt").lines().collect());

/// Words that everybody who knows the service and the person would try first.
#[derive(Clone, Debug, Default)]
pub struct ContextWords(Vec<String>);

impl ContextWords {
    /// The service's own words: its name and its host.
    pub fn of_service(host: &str) -> Self {
        let mut words = Self::default();
        words.add("usher");
        words.add(host);
        words
    }

    /// A word about the person. Of an address, its local part counts too.
    pub fn add(&mut self, word: &str) {
        for word in [word, word.split('@').next().unwrap_or_default()] {
            let folded = fold(word);
            if folded.chars().count() >= 3 {
                self.0.push(folded);
            }
        }
    }

    /// The whole password is such a word, however often repeated, with digits and signs around it.
    fn explain(&self, folded: &str) -> bool {
        let letters: String = folded.chars().filter(|c| c.is_alphabetic()).collect();
        self.0.iter().any(|word| {
            let bare: String = word.chars().filter(|c| c.is_alphabetic()).collect();
            folded == word || (!bare.is_empty() && is_repetition(&letters, &bare))
        })
    }
}

/// Checks a new password; the refusal says why.
pub fn check(pointer: &str, password: &SecretText, min_length: usize, context: &ContextWords) -> Result<(), Rejection> {
    let refuse =
        |code: &'static str, detail: String| Err(Rejection::invalid_body(vec![FieldError::at_pointer(pointer, code, detail)]));
    let text: String = password.reveal().nfc().collect();
    if text.chars().count() < min_length {
        return refuse(
            "password_too_short",
            format!("must have at least {min_length} characters; a few unrelated words do well"),
        );
    }
    if text.len() > BYTES_MAX {
        return refuse("password_too_long", format!("must have at most {BYTES_MAX} bytes"));
    }
    let folded = fold(&text);
    if BLOCKLIST.contains(folded.as_str()) || is_uniform(&folded) {
        return refuse("password_common", "is one of the passwords that are tried first; choose another".to_owned());
    }
    if context.explain(&folded) {
        let why = "is made of the name of this service, or of your name or address; choose another";
        return refuse("password_context", why.to_owned());
    }
    Ok(())
}

fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).collect()
}

/// One short thing over and over: `aaaaaaaaaaaaaaa`, `abcabcabcabcabc`.
fn is_uniform(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=4).any(|period| chars.len() > period * 2 && chars.iter().zip(&chars[period..]).all(|(a, b)| a == b))
}

fn is_repetition(text: &str, unit: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(unit.len()) && text == unit.repeat(text.len() / unit.len())
}
