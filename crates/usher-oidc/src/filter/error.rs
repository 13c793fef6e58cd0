//! What can be wrong with a filter, where, and how to mend it.

use thiserror::Error;

use super::{COMPARISONS_MAX, DEPTH_MAX, Operator, TEXT_BYTES_MAX};

/// Why a filter was refused.
///
/// The sentence is for the person who wrote it. It repeats names and operators, shortened, but no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("column {column}: {kind}")]
pub struct FilterError {
    /// Where: from 1, counted in characters. One behind the last when something is missing at the end.
    pub column: usize,
    pub kind: FilterErrorKind,
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FilterErrorKind {
    #[error("the filter is empty; write one such as userName eq \"ada\"")]
    Empty,
    /// At the first character that is too much.
    #[error("the filter is too long; it may have {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// At the parenthesis or bracket that is too much.
    #[error("too many parentheses and brackets within one another; there may be {DEPTH_MAX}")]
    TooDeep,
    /// At the comparison that is too much.
    #[error("too many comparisons; a filter may have {COMPARISONS_MAX}")]
    TooManyComparisons,
    #[error("an attribute is missing; a comparison begins with one, such as userName")]
    NoAttribute,
    /// At that character.
    #[error("`{0}` has no place in the name of an attribute; letters, digits, `-`, `_` and `$` have")]
    AttributeSign(String),
    #[error(
        "`{0}` is no attribute; write a name or two with a dot between them, such as name.familyName, \
         with or without the URN of a schema and a colon before"
    )]
    Attribute(String),
    #[error("an operator is missing after the attribute; there are eq, ne, co, sw, ew, gt, ge, lt, le and pr")]
    NoOperator,
    #[error("`{0}` is no operator; there are eq, ne, co, sw, ew, gt, ge, lt, le and pr")]
    UnknownOperator(String),
    #[error("a value is missing after `{}`; write a text in double quotes, a number, true, false or null", .0.as_str())]
    NoValue(Operator),
    #[error("this is no value; write a text in double quotes, a number, true, false or null")]
    UnknownValue,
    #[error("this is no number; write it as in JSON, such as 12, -0.5 or 1e6")]
    Number,
    #[error("the number is too long, too large or too small; it may have 64 characters and a size from 1e-300 to 1e300")]
    NumberOutOfRange,
    /// At the quote that opens it.
    #[error("the text that begins here has no closing quote")]
    UnclosedText,
    /// At the backslash.
    #[error("this is no escape; there are \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t and \\u with four hexadecimal digits")]
    Escape,
    /// At the backslash of the first half.
    #[error("half a character; \\ud800 to \\udfff stand in pairs, such as \\ud83d\\ude00")]
    LoneSurrogate,
    #[error("a control character stands in a text as an escape only, such as \\n")]
    ControlCharacter,
    #[error("no text holds \\u0000; leave it out")]
    Nul,
    /// At the value.
    #[error("`{}` looks for a part of a text; write a text in double quotes after it", .0.as_str())]
    NeedsText(Operator),
    /// At the value.
    #[error("`{}` needs an order; write a number or a text after it", .0.as_str())]
    NeedsOrder(Operator),
    #[error("a parenthesis is missing after `not`; write not (...)")]
    NoParenthesis,
    /// At the parenthesis or bracket that opens it.
    #[error("the `{0}` that stands here is never closed")]
    Unclosed(char),
    #[error("nothing is open that `{0}` would close")]
    Unopened(char),
    /// At the inner bracket.
    #[error("brackets do not stand within brackets")]
    NestedBrackets,
    #[error("a space is missing here")]
    NoSpace,
    #[error("`{0}` is neither `and` nor `or`; one of them stands between two comparisons")]
    NoConnective(String),
}
