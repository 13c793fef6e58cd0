//! What a new password must be: long, not common, not about this service or this person. No composition rules.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Serialize;

use super::BYTES_MAX;
use crate::password_filter::{Filter, fold};

/// Common and breached passwords of at least 8 characters; see `blocklist.md` for their sources.
static BLOCKLIST: LazyLock<Filter> = LazyLock::new(|| {
    Filter::embedded(include_bytes!("blocklist.filter")).expect("the filter is part of the program; a test opens it")
});

/// Why a password is refused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// `password_too_short`, `password_too_long`, `password_common`, `password_breached` or `password_context`.
    pub code: &'static str,
    /// For people: goes on from "Your password" in English, and is a sentence in other languages. May change.
    pub detail: String,
}

/// Words that everybody who knows the service and the person would try first.
#[derive(Clone, Debug, Default)]
pub struct ContextWords(Vec<String>);

impl ContextWords {
    /// The service's own words: its name, its host, and those that the operator has blocked.
    pub fn of_service(host: &str, blocked: &[String]) -> Self {
        let mut words = Self::default();
        words.add("usher");
        words.add(host);
        for word in blocked {
            words.add(word);
        }
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

/// All that is wrong with a new password; `password` is in NFC. Nothing: it is good, as far as the program itself knows.
pub fn reasons(password: &str, min_length: usize, context: &ContextWords) -> Vec<Reason> {
    if password.len() > BYTES_MAX {
        return vec![Reason { code: "password_too_long", detail: format!("must have at most {BYTES_MAX} bytes") }];
    }
    let mut reasons = Vec::new();
    if password.chars().count() < min_length {
        let detail = format!("must have at least {min_length} characters; a few unrelated words do well");
        reasons.push(Reason { code: "password_too_short", detail });
    }
    let folded = fold(password);
    if is_uniform(&folded) || BLOCKLIST.lists(password).expect("memory can always be read") {
        let detail = "is one of the passwords that are tried first; choose another".to_owned();
        reasons.push(Reason { code: "password_common", detail });
    }
    if context.explain(&folded) {
        let detail = "is made of the name of this service, or of your name or address; choose another".to_owned();
        reasons.push(Reason { code: "password_context", detail });
    }
    reasons
}

/// Of a password that the operator's filter lists.
pub fn breached() -> Reason {
    let detail = "is in a list of passwords that have become known in breaches; choose another".to_owned();
    Reason { code: "password_breached", detail }
}

/// One short thing over and over: `aaaaaaaaaaaaaaa`, `abcabcabcabcabc`.
fn is_uniform(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=4).any(|period| chars.len() > period * 2 && chars.iter().zip(&chars[period..]).all(|(a, b)| a == b))
}

fn is_repetition(text: &str, unit: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(unit.len()) && text == unit.repeat(text.len() / unit.len())
}
