//! Texts and numbers: what is read, how it is printed, and how numbers compare.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::canonical;
use crate::filter::{Filter, FilterErrorKind, Literal, Number, parse};

fn value(written: &str) -> Literal {
    let Filter::Compare { value, .. } = parse(&format!("a eq {written}")).unwrap() else { unreachable!() };
    value
}

#[test]
fn r192_texts_have_the_escapes_of_json() {
    for (written, meant, printed) in [
        (r#""""#, "", r#""""#),
        (r#""a\"b\\c\/d""#, "a\"b\\c/d", r#""a\"b\\c/d""#),
        (r#""\b\f\n\r\t""#, "\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
        (r#""\u0008\u001F\u007f""#, "\u{8}\u{1f}\u{7f}", "\"\\b\\u001f\u{7f}\""),
        (r#""\u00e9\u00E9""#, "éé", r#""éé""#),
        (r#""\ud83d\ude00 \uD83D\uDE00 😀""#, "😀 😀 😀", r#""😀 😀 😀""#),
        (r#""\u2028\uffff""#, "\u{2028}\u{ffff}", "\"\u{2028}\u{ffff}\""),
        (r#""( [ ] ) and 'x' %_""#, "( [ ] ) and 'x' %_", r#""( [ ] ) and 'x' %_""#),
    ] {
        assert_eq!(value(written), Literal::Text(meant.to_owned()));
        assert_eq!(canonical(&format!("a eq {written}")), format!("a eq {printed}"));
    }
}

#[test]
fn booleans_and_null_are_those_of_json() {
    assert_eq!([value("true"), value("false"), value("null")], [Literal::Boolean(true), Literal::Boolean(false), Literal::Null]);
}

#[test]
fn numbers_are_kept_as_they_are_written() {
    for (written, integer) in [
        ("0", Some(0)),
        ("-0", Some(0)),
        ("42", Some(42)),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("1.0", None),
        ("-0.50", None),
        ("1e2", None),
        ("1.25E+10", None),
        ("1E-300", None),
        ("9.99e299", None),
        ("0e400", None),
    ] {
        let Literal::Number(number) = value(written) else { unreachable!() };
        assert_eq!((number.as_str(), number.as_i64()), (written, integer));
        assert_eq!(canonical(&format!("a lt {written}")), format!("a lt {written}"));
    }
}

#[test]
fn what_is_no_number_of_json_is_refused() {
    let none = [
        "", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e1", "1_000", "0x10", "1e1.5", "--1", "1e1e1", "1.2.3", "٣", "1é",
    ];
    for written in none {
        assert_eq!(Number::parse(written), None, "{written}");
    }
}

#[test]
fn numbers_that_no_database_takes_are_refused() {
    let kind = |written: &str| parse(&format!("a eq {written}")).map_err(|error| error.kind).err();
    let digits = |count: usize| format!("1.{}", "1".repeat(count - 2));
    assert_eq!(kind(&digits(64)), None);
    for written in ["1e300", "9.9e-301", "-1e300", "1e401", "0e401", "1e-401", "1e99999999999999999999", "0.1e301", &digits(65)] {
        assert_eq!(kind(written), Some(FilterErrorKind::NumberOutOfRange), "{written}");
    }
    assert_eq!(kind(&format!("{}.", "1".repeat(70))), Some(FilterErrorKind::Number));
}

#[test]
fn numbers_compare_by_value() {
    let order = |one: &str, two: &str| Number::parse(one).unwrap().order(&Number::parse(two).unwrap());
    for (one, two) in
        [("1", "1.0"), ("0", "-0.000"), ("100", "1e2"), ("0.01", "1E-2"), ("-12.50", "-1.25e1"), ("0e9", "0"), ("0.5e1", "5")]
    {
        assert_eq!(order(one, two), Ordering::Equal, "{one} {two}");
    }
    let rising = [
        "-1e299",
        "-10",
        "-9.99",
        "-1",
        "-0.1",
        "-1e-299",
        "0",
        "1e-299",
        "0.09",
        "0.1",
        "0.101",
        "1",
        "9",
        "10",
        "10.5",
        "9007199254740993",
        "9007199254740993.1",
        "1e299",
    ];
    for (at, one) in rising.iter().enumerate() {
        for (other, two) in rising.iter().enumerate() {
            assert_eq!(order(one, two), at.cmp(&other), "{one} {two}");
        }
    }
}

proptest! {
    #[test]
    fn whole_numbers_compare_as_such(one: i64, two: i64) {
        prop_assert_eq!(Number::from(one).order(&Number::from(two)), one.cmp(&two));
    }

    #[test]
    fn decimals_compare_as_such(one in -1_000_000_i64..1_000_000, two in -1_000_000_i64..1_000_000, shift in 0_usize..8) {
        let written = |number: i64| {
            let digits = format!("{:0>width$}", number.abs(), width = shift + 1);
            let (whole, fraction) = digits.split_at(digits.len() - shift);
            let point = if shift > 0 { "." } else { "" };
            format!("{}{whole}{point}{fraction}", if number < 0 { "-" } else { "" })
        };
        let exponent = format!("{two}e-{shift}");
        let read = |text: &str| Number::parse(text).unwrap();
        prop_assert_eq!(read(&written(one)).order(&read(&written(two))), one.cmp(&two));
        prop_assert_eq!(read(&written(one)).order(&read(&exponent)), one.cmp(&two));
    }
}
