//! That every language says all that English says, with the same values, and nothing else.

mod refusals;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentArgs;
use jiff::SignedDuration;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::{Files, Language, file};

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = String> + 'a {
    text.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0.trim_matches([' ', '-']).to_owned()))
}

/// What English says where a refusal is made, and in no catalogue.
const REFUSALS: &str = "problems.ftl";
/// What English says in the table of settings and where it warns of one, and in no catalogue.
const SETTINGS: &str = "settings.ftl";

/// What each message of a language is filled in with.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages = BTreeMap::new();
    let mut key = String::new();
    let is_catalogue = |path: &str| path.starts_with(&format!("{}/", language.tag())) && path.strip_suffix(".ftl").is_some();
    let is_english_elsewhere = |path: &str| path.ends_with(REFUSALS) || path.ends_with(SETTINGS);
    for path in Files::iter().filter(|path| is_catalogue(path) && !is_english_elsewhere(path)) {
        for line in file(&path).unwrap().lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|_| line.starts_with(|first: char| first.is_ascii_lowercase()))
            {
                name.clone_into(&mut key);
                assert!(messages.insert(key.clone(), BTreeSet::new()).is_none(), "{path}: {key} is there twice");
            }
            messages.entry(key.clone()).or_default().extend(between(line, "{ $", " "));
        }
    }
    messages.remove("");
    messages
}

fn mails(language: Language) -> BTreeMap<String, String> {
    let folder = format!("{}/mails/", language.tag());
    let named = |path: &str| Some((path.strip_prefix(&folder)?.to_owned(), file(path).unwrap()));
    Files::iter().filter_map(|path| named(&path)).collect()
}

#[test]
fn every_language_has_every_message_with_the_same_values() {
    let tags: Vec<_> = Language::all().map(Language::tag).collect();
    assert!(tags[0] == Language::ENGLISH.tag() && tags[0] == "en" && tags.len() > 1, "{tags:?}");
    for language in Language::all() {
        assert_eq!(messages(language), messages(Language::ENGLISH), "{language:?}");
        assert!(["ltr", "rtl"].contains(&language.direction().as_str()), "{language:?}");
        assert!(!language.name().is_empty());
    }
}

#[test]
fn every_language_has_every_mail_with_the_same_values() {
    for language in Language::all() {
        let (own, original) = (mails(language), mails(Language::ENGLISH));
        assert_eq!(own.keys().collect::<Vec<_>>(), original.keys().collect::<Vec<_>>(), "{language:?}");
        for (name, text) in own {
            let values = |text: &str| between(text, "{{", "}}").chain(between(text, "{%", "%}")).collect::<BTreeSet<_>>();
            assert_eq!(values(&text), values(&original[&name]), "{language:?}: {name}");
            let head = |text: &str| {
                let lines = text.split_once("\n\n").unwrap().0.lines();
                lines.map(|line| line.split_once(": ").unwrap().0.to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(head(&text), head(&original[&name]), "{language:?}: {name}");
        }
    }
}

#[test]
fn a_language_is_found_by_what_somebody_likes() {
    let german = Language::of("de").unwrap();
    for tag in ["de", "DE", "de-AT", "de-Latn-DE-1996"] {
        assert_eq!(Language::of(tag), Some(german), "{tag}");
    }
    for tag in ["", "xx", "deu", "*", "d"] {
        assert_eq!(Language::of(tag), None, "{tag}");
    }
    for header in ["de", "yy, de;q=0.5", "en;q=0.8, de-CH", "en;q=0, de;q=0.001", "xx;q=1.0 , de ; q=0.3"] {
        assert_eq!(Language::accepted(header), Some(german), "{header}");
    }
    for header in ["en, de", "de;q=0.7, en;q=0.8", "de;q=NaN, en;q=0.1", "de;q=2, en", "de;level=1, en"] {
        assert_eq!(Language::accepted(header), Some(Language::ENGLISH), "{header}");
    }
    for header in ["", ",", "*", "xx", "de;q=0", "\u{0}", ";;;=,q"] {
        assert_eq!(Language::accepted(header), None, "{header}");
    }
}

#[test]
fn times_are_said_as_the_language_says_them() {
    let german = Language::of("de").unwrap();
    let said = |hours: i64| [Language::ENGLISH, german].map(|language| language.duration(SignedDuration::from_hours(hours)));
    assert_eq!(said(1), ["60 minutes", "60 Minuten"]);
    assert_eq!(said(24), ["24 hours", "24 Stunden"]);
    assert_eq!(said(24 * 7), ["7 days", "7 Tage"]);
    assert_eq!(german.duration(SignedDuration::from_mins(1)), "1 Minute");
    assert_eq!(Language::ENGLISH.day(date(2026, 2, 3)), "3 February 2026");
    assert_eq!(german.day(date(2026, 3, 31)), "31. März 2026");
    assert_eq!(Language::ENGLISH.month(date(2026, 2, 1)), "February 2026");
    assert_eq!(german.month(date(2026, 3, 1)), "März 2026");
    let at = "2026-12-31T23:30:00Z".parse().unwrap();
    assert_eq!(Language::ENGLISH.moment(at, &TimeZone::UTC), "31 December 2026, 23:30 UTC");
    assert_eq!(german.moment(at, &TimeZone::get("Europe/Berlin").unwrap()), "1. Januar 2027, 00:30 Uhr (Europe/Berlin)");
}

#[test]
fn numbers_are_written_in_groups_as_the_language_does() {
    let german = Language::of("de").unwrap();
    for (number, english, other) in [
        (0, "0", "0"),
        (999, "999", "999"),
        (1920, "1,920", "1.920"),
        (-123, "-123", "-123"),
        (-123_456, "-123,456", "-123.456"),
        (1_000_000, "1,000,000", "1.000.000"),
    ] {
        assert_eq!([Language::ENGLISH, german].map(|language| language.number(number)), [english, other]);
    }
    for language in Language::all() {
        let mark = language.word("number-mark");
        assert!([",", ".", "’", "\u{202f}"].contains(&mark.as_str()), "{language:?}: {mark}");
        let said = language.say("days", &FluentArgs::from_iter([("count", 1920_i64)]));
        assert!(said.contains(&language.number(1920)), "{language:?}: {said}");
    }
}

#[test]
fn what_a_language_lacks_is_said_in_english() {
    let german = Language::of("de").unwrap();
    assert_eq!(german.say("no-such-message", &FluentArgs::new()), "no-such-message");
    assert_eq!(german.mail("no_such_mail"), None);
}
