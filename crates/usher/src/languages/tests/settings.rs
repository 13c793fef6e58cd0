//! That every language has words for every setting and every warning of one, whose English stands where they are made.

use std::collections::{BTreeMap, BTreeSet};

use super::super::problems::worded;
use super::super::settings::key;
use super::refusals::{arguments, others, sources};
use super::{Language, SETTINGS};
use crate::config::{Fallback, settings};

/// What the configuration warns of.
fn warnings() -> Vec<String> {
    const CALL: &str = "reader.warn(";
    let mut found = Vec::new();
    for source in sources() {
        for (at, _) in source.match_indices(CALL) {
            let message = arguments(&source[at + CALL.len()..])[1];
            let words = message.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            found.push(words.unwrap_or_else(|| panic!("other languages have no words for {message}")).to_owned());
        }
    }
    found
}

/// All that English says of settings, by the key that other languages have for it.
fn english() -> BTreeMap<String, String> {
    let mut said: BTreeMap<_, _> = warnings().into_iter().map(|warning| (worded("warning", &warning), warning)).collect();
    assert!(said.contains_key("warning-lets-somebody-on-the-way-turn-encryption-off-write-tls-required"), "{said:?}");
    for setting in settings() {
        said.insert(key(setting.name), setting.description.to_owned());
        if let Fallback::Told(told) = setting.default {
            said.insert(format!("{}-default", key(setting.name)), told.to_owned());
        }
    }
    said
}

fn code(markdown: &str) -> BTreeSet<&str> {
    markdown.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_language_has_words_for_every_setting_and_for_nothing_else() {
    let english = english();
    for language in others() {
        let catalogue = language.catalogue(SETTINGS).unwrap();
        let lines = catalogue.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let there: Vec<_> = lines.map(|line| line.split_once(" = ").unwrap_or_else(|| panic!("{line}")).0).collect();
        assert!(there.is_sorted(), "{language:?}: {SETTINGS} is not in the order of its keys");
        let lacks: Vec<_> = english.keys().filter(|key| !there.contains(&key.as_str())).collect();
        assert!(lacks.is_empty(), "{language:?} has nothing in {SETTINGS} for {lacks:?}");
        let idle: Vec<_> = there.iter().filter(|key| !english.contains_key(**key)).collect();
        assert!(idle.is_empty(), "{language:?}: nothing says {idle:?}");
    }
}

#[test]
fn every_language_has_the_same_code_in_what_it_says_of_settings() {
    for (key, english) in english() {
        for language in others() {
            let own = language.word(&key);
            assert_eq!(code(&own), code(&english), "{language:?}: {key}");
            let words: String = own.split('`').step_by(2).collect();
            assert!(!words.contains(['<', '"']), "{language:?}: a tag or a straight quotation mark: {own}");
        }
    }
}

#[test]
fn settings_are_told_in_the_language_of_who_asks() {
    let german = Language::of("de").unwrap();
    assert_eq!(german.setting_about("USHER_AVATARS_S3_SECRET").unwrap(), "Womit der Zugriffsschlüssel Anfragen signiert.");
    assert_eq!(german.setting_default("USHER_SMTP_URL").unwrap(), "Mails werden zurückgehalten; `usher mail list` zeigt sie");
    assert_eq!(german.setting_default("USHER_LISTEN"), None);
    let warning = "has no effect beside USHER_DATABASE_URL; remove it";
    assert!(german.setting_warning(warning).unwrap().starts_with("hat neben USHER_DATABASE_URL"));
    assert_eq!(german.setting_warning("is new"), None);
    assert_eq!(Language::ENGLISH.setting_about("USHER_LISTEN"), None);
    assert_eq!(Language::ENGLISH.setting_warning(warning), None);
}
