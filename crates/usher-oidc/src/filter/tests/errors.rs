//! What is refused: each kind with its column and its sentence.

use crate::filter::FilterErrorKind::{self, *};
use crate::filter::{Operator, parse};

fn check(cases: &[(&str, usize, FilterErrorKind)]) {
    for (text, column, kind) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!((error.column, &error.kind), (*column, kind), "{text}");
        assert!(error.to_string().starts_with(&format!("column {column}: ")), "{error}");
    }
}

fn word(text: &str) -> String {
    text.to_owned()
}

#[test]
fn r192_what_is_wrong_with_an_attribute_is_told_where_it_is() {
    check(&[
        ("", 1, Empty),
        (" \t\n ", 1, Empty),
        ("a pr and ", 10, NoAttribute),
        ("a pr and", 9, NoAttribute),
        ("and a pr", 1, NoAttribute),
        ("a pr or Or b pr", 9, NoAttribute),
        ("()", 2, NoAttribute),
        ("a[]", 3, NoAttribute),
        ("\"ada\" eq userName", 1, NoAttribute),
        ("[a pr]", 1, NoAttribute),
        ("userName=\"ada\"", 9, AttributeSign(word("="))),
        ("größe pr", 3, AttributeSign(word("ö"))),
        ("userName\u{a0}eq 1", 9, AttributeSign(word("U+00A0"))),
        ("(a\u{202e}b pr)", 3, AttributeSign(word("U+202E"))),
        ("a\0 pr", 2, AttributeSign(word("U+0000"))),
        ("a.b.c pr", 1, Attribute(word("a.b.c"))),
        ("a. pr", 1, Attribute(word("a."))),
        (".a pr", 1, Attribute(word(".a"))),
        ("x pr or 1a pr", 9, Attribute(word("1a"))),
        ("-a pr", 1, Attribute(word("-a"))),
        ("http:a:b:c pr", 1, Attribute(word("http:a:b:c"))),
        ("urn:a:b pr", 1, Attribute(word("urn:a:b"))),
        ("urn:a::b pr", 1, Attribute(word("urn:a::b"))),
        ("urn:a:b: pr", 1, Attribute(word("urn:a:b:"))),
        (": pr", 1, Attribute(word(":"))),
    ]);
}

#[test]
fn r192_what_is_wrong_with_an_operator_is_told_where_it_is() {
    check(&[
        ("userName", 9, NoOperator),
        ("(userName)", 10, NoOperator),
        ("userName \"ada\"", 10, NoOperator),
        ("emails [type pr]", 8, NoOperator),
        ("active and title pr", 8, NoOperator),
        ("userName eqq \"ada\"", 10, UnknownOperator(word("eqq"))),
        ("userName = \"ada\"", 10, UnknownOperator(word("="))),
        ("userName is\u{a0}x \"ada\"", 10, UnknownOperator(word("isU+00A0x"))),
    ]);
    let long = format!("a {} 1", "x".repeat(33));
    check(&[(&long, 3, UnknownOperator(format!("{}…", "x".repeat(32))))]);
    let sentence = "column 10: `eqq` is no operator; there are eq, ne, co, sw, ew, gt, ge, lt, le and pr";
    assert_eq!(parse("userName eqq 1").unwrap_err().to_string(), sentence);
}

#[test]
fn r192_what_is_wrong_with_a_value_is_told_where_it_is() {
    check(&[
        ("a eq", 5, NoValue(Operator::Equal)),
        ("(a co )", 7, NoValue(Operator::Contains)),
        ("a[b lt]", 7, NoValue(Operator::Less)),
        ("a eq ada", 6, UnknownValue),
        ("a eq 'ada'", 6, UnknownValue),
        ("a eq True", 6, UnknownValue),
        ("a eq NaN", 6, UnknownValue),
        ("a eq Infinity", 6, UnknownValue),
        ("a eq (1)", 6, UnknownValue),
        ("a eq -Infinity", 6, Number),
        ("a eq 01", 6, Number),
        ("a eq 1e301", 6, NumberOutOfRange),
        ("a co 1", 6, NeedsText(Operator::Contains)),
        ("a sw null", 6, NeedsText(Operator::StartsWith)),
        ("a ew true", 6, NeedsText(Operator::EndsWith)),
        ("a gt true", 6, NeedsOrder(Operator::Greater)),
        ("a le null", 6, NeedsOrder(Operator::LessOrEqual)),
    ]);
}

#[test]
fn r192_what_is_wrong_with_a_text_is_told_where_it_is() {
    check(&[
        ("a eq \"ada", 6, UnclosedText),
        ("a eq \"ada\\\"", 6, UnclosedText),
        ("a eq \"\\x\"", 7, Escape),
        ("a eq \"é\\u00g0\"", 8, Escape),
        ("a eq \"\\u+041\"", 7, Escape),
        ("a eq \"\\", 7, Escape),
        ("a eq \"\\ud83d\"", 7, LoneSurrogate),
        ("a eq \"\\ude00\"", 7, LoneSurrogate),
        ("a eq \"x\\ud83d\\n\"", 8, LoneSurrogate),
        ("a eq \"\\ud83d\\u0041\"", 7, LoneSurrogate),
        ("a eq \"\\ude00\\ud83d\"", 7, LoneSurrogate),
        ("a eq \"x\ny\"", 8, ControlCharacter),
        ("a eq \"\u{1f}\"", 7, ControlCharacter),
        ("a eq \"x\0\"", 8, Nul),
        ("a eq \"x\\u0000\"", 8, Nul),
    ]);
}

#[test]
fn r192_what_is_wrong_between_comparisons_is_told_where_it_is() {
    check(&[
        ("not a pr", 5, NoParenthesis),
        ("a pr and not", 13, NoParenthesis),
        ("not[a pr]", 4, NoParenthesis),
        ("a pr and (b pr", 10, Unclosed('(')),
        ("not ((a pr)", 5, Unclosed('(')),
        ("a[b pr", 2, Unclosed('[')),
        ("a pr)", 5, Unopened(')')),
        ("(a pr]", 6, Unopened(']')),
        ("a[b pr)", 7, Unopened(')')),
        ("a[b[c pr]]", 4, NestedBrackets),
        ("a[(not (b[c pr]))]", 10, NestedBrackets),
        ("(a pr)and (b pr)", 7, NoSpace),
        ("(a pr) and(b pr)", 11, NoSpace),
        ("a eq \"x\"or b pr", 9, NoSpace),
        ("a eq\"x\"", 5, NoSpace),
        ("a pr, b pr", 3, UnknownOperator(word("pr,"))),
        ("a pr b pr", 6, NoConnective(word("b"))),
        ("a pr && b pr", 6, NoConnective(word("&&"))),
        ("a eq \"x\" \"y\"", 10, NoConnective(word("\""))),
        ("a eq \"x\"y", 9, NoConnective(word("y"))),
        ("(a pr (b pr))", 7, NoConnective(word("("))),
        ("a[b pr].c eq 1", 8, NoConnective(word(".c"))),
    ]);
}

#[test]
fn an_error_says_how_to_mend_it_and_repeats_no_value() {
    for (text, sentence) in [
        ("", "column 1: the filter is empty; write one such as userName eq \"ada\""),
        ("a eq ", "column 6: a value is missing after `eq`; write a text in double quotes, a number, true, false or null"),
        ("a eq hunter2", "column 6: this is no value; write a text in double quotes, a number, true, false or null"),
        ("a CO 1", "column 6: `co` looks for a part of a text; write a text in double quotes after it"),
        (
            "a eq \"\\q\"",
            "column 7: this is no escape; there are \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t and \\u with four hexadecimal digits",
        ),
        ("a eq \"\\ud800\"", "column 7: half a character; \\ud800 to \\udfff stand in pairs, such as \\ud83d\\ude00"),
        ("a eq \"\\u0000\"", "column 7: no text holds \\u0000; leave it out"),
        ("(a pr", "column 1: the `(` that stands here is never closed"),
        ("a pr xor b pr", "column 6: `xor` is neither `and` nor `or`; one of them stands between two comparisons"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), sentence);
    }
}
