//! Over random filters and texts: nothing panics, and what is printed is read as the same.

use proptest::collection::vec;
use proptest::prelude::*;

use super::path;
use crate::filter::{Filter, FilterError, Literal, Number, Operator, TEXT_BYTES_MAX, parse};

/// Filters within the limits.
pub(super) fn filters() -> impl Strategy<Value = Filter> {
    let element = prop_oneof![leaf(), vec(leaf(), 2).prop_map(Filter::And), leaf().prop_map(|leaf| Filter::Not(Box::new(leaf)))];
    let has = (names(), element).prop_map(|(name, filter)| Filter::Has { path: path(&name), filter: Box::new(filter) });
    prop_oneof![4 => leaf(), 1 => has].prop_recursive(3, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..=3).prop_map(Filter::And),
            vec(inner.clone(), 2..=3).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Filter> {
    let compare = (names(), prop::sample::select(&Operator::ALL[..]), literals()).prop_map(|(name, operator, value)| {
        let is_text = matches!(value, Literal::Text(_));
        let is_ordered = is_text || matches!(value, Literal::Number(_));
        let makes_sense = (is_text || !operator.is_for_parts()) && (is_ordered || !operator.is_for_order());
        Filter::Compare { path: path(&name), operator: if makes_sense { operator } else { Operator::NotEqual }, value }
    });
    prop_oneof![4 => compare, 1 => names().prop_map(|name| Filter::Present { path: path(&name) })]
}

fn names() -> impl Strategy<Value = String> {
    let known = ["userName", "nickname", "city", "logins", "active", "meta.created", "tags", "emails", "emails.type", "title"];
    prop_oneof![
        3 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "(urn:[a-z0-9]{1,4}:[a-z0-9.]{1,4}:)?x[A-Za-z0-9_$-]{0,6}(\\.[a-z$][a-z0-9-]{0,6})?",
    ]
}

fn literals() -> impl Strategy<Value = Literal> {
    let texts =
        prop_oneof!["\\PC{0,6}", "[\\x01-\\x7f]{0,6}", "[\\x01-\\x{2ff}\u{10000}-\u{10fff}]{0,6}", Just("blue".to_owned())];
    let numbers =
        prop_oneof!["-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?", any::<i64>().prop_map(|n| n.to_string())];
    prop_oneof![
        4 => texts.prop_map(Literal::Text),
        2 => numbers.prop_map(|number| Literal::Number(Number::parse(&number).unwrap())),
        1 => any::<bool>().prop_map(Literal::Boolean),
        1 => Just(Literal::Null),
    ]
}

/// Texts that are nearly filters.
fn near_filters() -> impl Strategy<Value = String> {
    let pieces = [
        "userName",
        "emails",
        "name.familyName",
        "urn:a:b:c",
        "$ref",
        "eq",
        "NE",
        "co",
        "gt",
        "pr",
        "and",
        "or",
        "not",
        "not(",
        "(",
        ")",
        "[",
        "]",
        "a[b pr]",
        "a pr",
        "b eq 1",
        " and ",
        " or ",
        "true",
        "null",
        "\"x\"",
        "\"",
        "\\",
        "\\u0041",
        "\\ud83d",
        "1",
        "-1.5e3",
        "1e",
        "é",
        "\u{a0}",
        "\t",
        "\0",
        ".",
        ":",
        "😀",
    ];
    let piece = prop::sample::select(pieces.to_vec());
    (vec(piece, 0..40), prop::sample::select(&["", " "][..])).prop_map(|(pieces, between)| pieces.join(between))
}

fn assert_holds(text: &str) {
    match parse(text) {
        Ok(filter) => {
            let printed = filter.to_string();
            assert!(printed.len() <= text.len(), "{printed:?} is longer than {text:?}");
            assert_eq!(parse(&printed), Ok(filter));
        }
        Err(FilterError { column, .. }) => assert!((1..=text.chars().count() + 1).contains(&column), "{column} in {text:?}"),
    }
}

proptest! {
    #[test]
    fn r192_what_is_printed_is_read_as_the_same(filter in filters()) {
        let printed = filter.to_string();
        prop_assert!(printed.len() <= TEXT_BYTES_MAX);
        prop_assert_eq!(parse(&printed), Ok(filter));
    }

    #[test]
    fn r192_no_text_makes_the_parser_panic(text in ".{0,200}", near in near_filters()) {
        assert_holds(&text);
        assert_holds(&near);
    }

    /// A filter that is cut off or has a character too much.
    #[test]
    fn r192_a_broken_filter_is_refused_or_read(filter in filters(), at: prop::sample::Index, sign: char) {
        let signs: Vec<char> = filter.to_string().chars().collect();
        let (before, after) = signs.split_at(at.index(signs.len()));
        let before: String = before.iter().collect();
        let after: String = after.iter().collect();
        assert_holds(&before);
        assert_holds(&format!("{before}{sign}{after}"));
    }
}
