//! That every language has words for every refusal, whose English stands where it is made.

use std::collections::BTreeSet;

use rust_embed::RustEmbed;

use super::super::problems::worded;
use super::{Language, REFUSALS, between};

const DOCUMENTED: &str = include_str!("../../../../../docs/api.md");

#[derive(RustEmbed)]
#[folder = "src"]
#[include = "*.rs"]
struct Sources;

/// What makes a refusal, and which of its arguments is the code.
const PROBLEMS: [(&str, usize); 6] = [
    ("Rejection::new(", 1),
    ("::conflict(", 0),
    ("::bad_request(", 0),
    ("::unprocessable(", 0),
    ("::unavailable(", 0),
    ("::unauthenticated(", 0),
];
const FAULTS: [(&str, usize); 6] = [
    ("at_pointer(", 1),
    ("at_parameter(", 1),
    ("at_header(", 1),
    ("invalid_field(", 1),
    ("unprocessable_field(", 1),
    // Those of the rows of a file.
    ("Fault::new(", 1),
];

pub(super) fn sources() -> impl Iterator<Item = String> {
    let paths = Sources::iter().filter(|path| !path.contains("tests") && !path.contains("testing"));
    paths.map(|path| {
        let source = String::from_utf8(Sources::get(&path).unwrap().data.into_owned()).unwrap();
        source.split("\nmod tests {").next().unwrap().to_owned()
    })
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The arguments of a call, from behind its opening bracket.
pub(super) fn arguments(text: &str) -> Vec<&str> {
    let (mut found, mut start, mut depth, mut is_text, mut is_escaped) = (Vec::new(), 0, 0, false, false);
    for (at, sign) in text.char_indices() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            ')' | ']' | '}' => {
                found.push(text[start..at].trim());
                break;
            }
            _ => {}
        }
    }
    found
}

/// The codes that the sources name where they make refusals.
fn made(calls: &[(&str, usize)]) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for source in sources() {
        for (call, place) in calls {
            let named = source.match_indices(call).filter_map(|(at, _)| {
                let argument = *arguments(&source[at + call.len()..]).get(*place)?;
                Some(argument.strip_prefix('"')?.strip_suffix('"')?.to_owned())
            });
            codes.extend(named.filter(|code| is_code(code)));
        }
    }
    codes
}

/// The codes of a table of the API's description.
fn documented(is_of_it: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let rows = DOCUMENTED.lines().filter(|line| line.starts_with("| ")).filter_map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        Some((cells.next()?, cells.next()?))
    });
    let codes = rows.filter(|(first, _)| is_of_it(first)).flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2));
    codes.filter(|code| is_code(code)).map(ToOwned::to_owned).collect()
}

pub(super) fn others() -> impl Iterator<Item = Language> {
    Language::all().filter(|language| *language != Language::ENGLISH)
}

#[test]
fn every_language_has_words_for_every_problem() {
    let is_failure = |cell: &str| cell.len() == 3 && cell.parse().is_ok_and(|status: u16| status >= 400);
    let documented = documented(is_failure);
    assert!(documented.contains("malformed_json") && documented.contains("second_factor_not_started"), "{documented:?}");
    let made = made(&PROBLEMS);
    assert!(made.contains("last_admin") && made.contains("too_much_to_count"), "{made:?}");
    for language in others() {
        let lacks: Vec<_> = documented.union(&made).filter(|code| language.problem(code, "?") == "?").collect();
        assert!(lacks.is_empty(), "{language:?} has no `problem-CODE` in {REFUSALS} for {lacks:?}");
        for status in [400, 401, 403, 404, 405, 409, 412, 413, 414, 415, 421, 422, 429, 431, 500, 503] {
            assert!(language.title(status).is_some(), "{language:?} has no `title-{status}` in {REFUSALS}");
        }
    }
}

#[test]
fn every_language_has_words_for_every_fault_of_a_field() {
    let documented = documented(|cell| ["body", "passwords", "query", "headers"].iter().any(|place| cell.starts_with(place)));
    assert!(documented.contains("unique_items") && documented.contains("password_breached"), "{documented:?}");
    let made = made(&FAULTS);
    assert!(made.contains("unknown_field") && made.contains("wrong_code"), "{made:?}");
    for language in others() {
        let lacks: Vec<_> = documented.union(&made).filter(|code| language.fault(code, "?").is_none()).collect();
        assert!(lacks.is_empty(), "{language:?} has no `fault-CODE` in {REFUSALS} for {lacks:?}");
    }
}

#[test]
fn what_is_said_by_its_words_is_said_in_english_somewhere() {
    let mut english = String::new();
    for source in sources() {
        // What is filled in is a number there.
        for piece in source.split('{') {
            let (name, rest) = piece.split_once('}').unwrap_or(("", piece));
            let is_value = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            english += &worded("", &if is_value { format!("0 {rest}") } else { piece.to_owned() });
        }
    }
    for language in others() {
        for line in language.catalogue(REFUSALS).unwrap().lines() {
            let Some((words, _)) = line.strip_prefix("said").and_then(|line| line.split_once(" = ")) else { continue };
            assert!(english.contains(&format!("{words}-")), "{language:?}: nothing says said{words}");
        }
    }
}

#[test]
fn values_of_refusals_are_those_that_may_be_filled_in() {
    for language in others() {
        for line in language.catalogue(REFUSALS).unwrap().lines().filter(|line| !line.starts_with('#')) {
            for value in between(line, "{ $", " ") {
                assert!(["number", "permission", "expected"].contains(&value.as_str()), "{language:?}: {line}");
            }
        }
    }
}

#[test]
fn refusals_are_said_with_what_the_english_holds() {
    let german = Language::of("de").unwrap();
    let fault = |code: &str, detail: &str| german.fault(code, detail).unwrap();
    assert_eq!(fault("min_length", "must have at least 15 characters"), "Das ist zu kurz: mindestens 15 Zeichen.");
    assert_eq!(fault("max_bytes", "must have at most 16,384 bytes as JSON"), "Das ist zu groß: höchstens 16.384 Bytes.");
    assert_eq!(fault("max_items", "must have at most 1 items"), "Höchstens 1 Eintrag ist möglich.");
    assert_eq!(fault("minimum", "must be at least -0.5"), "Das ist zu wenig: Die Grenze ist -0.5.");
    assert_eq!(fault("enum", "must be one of [\"a\",\"b\"]"), "Möglich ist hier: \"a\",\"b\".");
    assert_eq!(fault("invalid", "does not fit"), "Das passt hier nicht.");
    let address = "Geben Sie eine E-Mail-Adresse an, etwa anna@example.com.";
    assert_eq!(fault("invalid", "must be an e-mail address, such as ann@example.com"), address);
    assert_eq!(fault("email_taken", "?"), german.problem("email_taken", "?"));
    assert_eq!(german.problem("forbidden", "This needs the permission users:read."), "Dazu fehlt Ihnen das Recht users:read.");
    assert_eq!(german.problem("forbidden", "No."), "Das ist Ihnen nicht erlaubt.");
    assert_eq!(german.problem("no_such_code", "It stays English."), "It stays English.");
    assert_eq!(Language::ENGLISH.problem("forbidden", "No."), "No.");
    assert_eq!(Language::ENGLISH.fault("required", "is missing"), None);
}
