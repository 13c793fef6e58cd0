//! Every word of a page stands in the catalogues, and every message of theirs is said somewhere.

use std::collections::BTreeSet;

use rust_embed::RustEmbed;

use super::{Files, Notice};
use crate::languages::Language;

/// What begins a key whose end is known when the page is made.
const BEGINNINGS: [&str; 60] = [
    "actor-",
    "acts-",
    "advice-",
    "approval-field-",
    "bulk-action-",
    "bulk-items-",
    "bulk-missing-",
    "bulk-outcome-",
    "bulk-run-",
    "bulk-state-",
    "bulk-subject-",
    "console-group-",
    "console-import-",
    "console-place-",
    "console-status-",
    "dashboard-work-",
    "edit-missing-",
    "edit-subject-",
    "event-",
    "export-format-",
    "field-",
    "health-check-",
    "health-do-",
    "health-verdict-",
    "history-",
    "import-before-",
    "import-found-by-",
    "import-stands-",
    "import-then-",
    "inactivity-action-",
    "inactivity-does-",
    "inactivity-missing-",
    "inactivity-subject-",
    "invitation-state-",
    "mail-about-",
    "mail-status-",
    "mail-title-",
    "mail-value-",
    "notice-",
    "permission-",
    "permissions-area-",
    "place-",
    "profile-region-",
    "profile-subject-",
    "request-state-",
    "role-about-",
    "schema-kind-",
    "schema-label-",
    "schema-limit-",
    "schema-visibility-",
    "seal-unverified-",
    "settings-chapter-",
    "signing-keys-duty-",
    "target-",
    "user-decision-",
    "users-column-",
    "users-filter-",
    "users-operator-",
    "users-subject-",
    "wait-",
];
/// Messages that are said by the module of languages itself.
const OF_LANGUAGES: [&str; 1] = ["words.ftl"];
/// What may stand in a message.
const TAGS: [&str; 6] = ["a", "strong", "em", "code", "br", "kbd"];
const SPOKEN_ATTRIBUTES: [&str; 5] = ["aria-label=\"", "placeholder=\"", "title=\"", "alt=\"", "data-label=\""];

#[derive(RustEmbed)]
#[folder = "src"]
#[include = "*.rs"]
struct Sources;

#[derive(RustEmbed)]
#[folder = "languages/en"]
#[include = "*.ftl"]
struct Catalogues;

fn templates() -> impl Iterator<Item = (String, String)> {
    Files::iter().map(|path| (path.to_string(), String::from_utf8(Files::get(&path).unwrap().data.into_owned()).unwrap()))
}

/// Takes out what stands between two marks, and shows each to the second function.
fn without(text: &str, open: &str, close: &str, mut taken: impl FnMut(&str)) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let (within, behind) = after.split_once(close).unwrap_or((after, ""));
        taken(within);
        left.push_str(before);
        rest = behind;
    }
    left + rest
}

fn has_words(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_alphabetic))
}

/// The texts in quotes of an expression, but for keys of messages.
fn literals(expression: &str) -> Vec<String> {
    expression.split('"').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// What of a template is English.
fn english(template: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut shown = |expression: &str| {
        let spoken =
            |text: &String| text.contains(' ') && has_words(text) || text.starts_with(|first: char| first.is_ascii_uppercase());
        found.extend(literals(expression).into_iter().filter(spoken));
    };
    let text = without(template, "{#", "#}", |_| {});
    let text = without(&text, "{{", "}}", &mut shown);
    let text = without(&text, "{%", "%}", |statement| {
        if statement.trim_matches(['-', ' ']).starts_with("set ") {
            shown(statement);
        }
    });
    let text = without(&text, "<", ">", |tag| {
        for attribute in SPOKEN_ATTRIBUTES {
            let value = tag.split_once(attribute).and_then(|(_, rest)| rest.split_once('"')).map_or("", |(value, _)| value);
            if has_words(value) {
                found.push(value.to_owned());
            }
        }
    });
    let text = without(&text, "&", ";", |_| {});
    // A macro that makes attributes has no tag around them.
    let is_attribute = |line: &str| line.starts_with(' ') && (line.contains("=\"") || line.trim() == "autofocus");
    found.extend(text.lines().filter(|line| has_words(line) && !is_attribute(line)).map(ToOwned::to_owned));
    found
}

#[test]
fn no_word_of_a_page_stands_in_its_template() {
    assert_eq!(
        english("<p title=\"No\">{{ text(\"a\", \"Yes\") }} {% if a == \"B c\" %}Maybe{% endif %}</p>{{ t(\"key\", a=\"x\") }}"),
        ["Yes", "No", " Maybe"]
    );
    let left: Vec<_> =
        templates().map(|(path, source)| (path, english(&source))).filter(|(_, found)| !found.is_empty()).collect();
    assert!(left.is_empty(), "{left:#?}");
}

/// The keys that a text names after a mark, which is no end of a longer word.
fn keys(source: &str, mark: &str) -> BTreeSet<String> {
    let is_whole =
        |at: usize| mark.starts_with('.') || !source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    let key = |at: usize| Some(source[at + mark.len()..].split_once('"')?.0.to_owned());
    source.match_indices(mark).filter(|(at, _)| is_whole(*at)).filter_map(|(at, _)| key(at)).collect()
}

#[test]
fn every_message_is_there_and_is_said() {
    let mut said: BTreeSet<String> = templates().flat_map(|(_, source)| keys(&source, "t(\"")).collect();
    for path in Sources::iter().filter(|path| !path.contains("tests")) {
        let source = String::from_utf8(Sources::get(&path).unwrap().data.into_owned()).unwrap();
        said.extend(keys(&source, ".say(\""));
        said.extend(keys(&source, ".word(\""));
    }
    let mut there = BTreeSet::new();
    for path in Catalogues::iter().filter(|path| !OF_LANGUAGES.contains(&path.as_ref())) {
        let source = String::from_utf8(Catalogues::get(&path).unwrap().data.into_owned()).unwrap();
        let key =
            |line: &str| Some(line.split_once(" =")?.0.to_owned()).filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()));
        there.extend(source.lines().filter_map(key));
    }
    let begins = |key: &str| BEGINNINGS.iter().any(|beginning| key.starts_with(beginning));
    let missing: Vec<_> = said.iter().filter(|key| !there.contains(*key) && !BEGINNINGS.contains(&key.as_str())).collect();
    // The languages' own words are said by their module.
    let missing: Vec<_> =
        missing.into_iter().filter(|key| Language::ENGLISH.say(key, &fluent_bundle::FluentArgs::new()) == **key).collect();
    assert!(missing.is_empty(), "no catalogue has {missing:?}");
    let idle: Vec<_> = there.iter().filter(|key| !said.contains(*key) && !begins(key)).collect();
    assert!(idle.is_empty(), "nothing says {idle:?}");
    for notice in super::super::signed_in::NOTICES {
        let key = format!("notice-{}", Notice::as_str(notice).replace('_', "-"));
        assert!(there.contains(&key), "{key}");
    }
}

#[test]
fn messages_hold_few_tags_and_close_them() {
    for path in Catalogues::iter() {
        for language in Language::all() {
            let Some(source) = language.catalogue(&path) else { continue };
            for line in source.lines().filter(|line| !line.starts_with('#')) {
                let mut open = Vec::new();
                let text = without(line, "<", ">", |tag| {
                    let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default().to_owned();
                    assert!(TAGS.contains(&name.as_str()), "{language:?}: {line}");
                    if tag.starts_with('/') {
                        assert_eq!(open.pop(), Some(name), "{language:?}: {line}");
                    } else if name != "br" {
                        open.push(name);
                    }
                });
                assert!(open.is_empty(), "{language:?}: {line}");
                // It may stand in an attribute.
                assert!(!text.contains('"') || text.contains("{ \""), "{language:?}: a straight quotation mark: {line}");
            }
        }
    }
}
