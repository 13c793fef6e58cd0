//! The limits, at the bound and one beyond.

use crate::filter::{COMPARISONS_MAX, DEPTH_MAX, Filter, FilterError, FilterErrorKind, TEXT_BYTES_MAX, parse};

fn refused(text: &str, column: usize, kind: FilterErrorKind) {
    assert_eq!(parse(text), Err(FilterError { column, kind }));
}

#[test]
fn r192_a_filter_has_8192_bytes_at_most() {
    assert_eq!(TEXT_BYTES_MAX, 8192);
    let longest = format!("a eq \"{}\"", "x".repeat(8192 - 7));
    assert!(parse(&longest).is_ok());
    refused(&format!("{longest} "), 8193, FilterErrorKind::TooLong);
    assert!(parse(&format!("a pr{}", " ".repeat(8188))).is_ok());
    // 6 + 4,093 * 2 bytes fill it; a character of two bytes does not fit half.
    let wide = format!("a eq \"{}\"", "é".repeat(4093));
    refused(&wide, 6 + 4093 + 1, FilterErrorKind::TooLong);
    let halved = format!("a eq  \"{}\"", "é".repeat(4093));
    refused(&halved, 7 + 4092 + 1, FilterErrorKind::TooLong);
}

#[test]
fn r192_parentheses_and_brackets_are_32_deep_at_most() {
    assert_eq!(DEPTH_MAX, 32);
    let deep = |open: &str, depth: usize| format!("{}a pr{}", open.repeat(depth), ")".repeat(depth));
    for open in ["(", "not(", "not ( "] {
        assert!(parse(&deep(open, 32)).is_ok());
        let column = 33 * open.len() - (open.trim_end().len().abs_diff(open.len()));
        refused(&deep(open, 33), column, FilterErrorKind::TooDeep);
        assert!(parse(&deep(open, 1000)).is_err());
    }
    let bracket = |depth: usize| format!("{}a[b pr]{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&bracket(31)).is_ok());
    refused(&bracket(32), 34, FilterErrorKind::TooDeep);
    // Side by side is not deep.
    let flat = vec![deep("(", 32); 60].join(" or ");
    assert!(matches!(parse(&flat), Ok(Filter::Or(filters)) if filters.len() == 60));
    assert_eq!(parse(&"(".repeat(8192)).unwrap_err().kind, FilterErrorKind::TooDeep);
}

#[test]
fn r192_the_deepest_filter_can_be_printed_evaluated_and_dropped() {
    let deepest = format!("{}a pr{}", "a pr or b pr and not(".repeat(31), ")".repeat(31));
    let filter = parse(&deepest).unwrap();
    assert_eq!(filter.to_string(), deepest);
    assert_eq!(filter.clone(), filter);
}

#[test]
fn r192_a_filter_has_64_comparisons_at_most() {
    assert_eq!(COMPARISONS_MAX, 64);
    let many = |count: usize| vec!["a pr"; count].join(" or ");
    assert!(parse(&many(64)).is_ok());
    refused(&many(65), 64 * 8 + 1, FilterErrorKind::TooManyComparisons);
    let within = |count: usize| format!("x[{}] and (a eq 1)", many(count));
    assert!(parse(&within(63)).is_ok());
    refused(&within(64), 2 + 64 * 8 - 4 + 1 + 6 + 1, FilterErrorKind::TooManyComparisons);
}
