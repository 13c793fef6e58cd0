//! The one filter language of usher: the filters of SCIM (RFC 7644, section 3.4.2.2), parsed, printed and evaluated.
//!
//! ```text
//! userType eq "Employee" and not (emails co "example.com" or emails[type eq "work" and value ew "@example.org"])
//! ```
//!
//! # Grammar
//!
//! * `not` binds closer than `and`, `and` closer than `or`. What `not` negates stands in parentheses. Operators and `and`, `or`,
//!   `not` are read in any case. Names are kept as they are written; who looks them up ignores their case (RFC 7643, section 2.1).
//! * An attribute is `name` or `name.part`, with the URN of its schema and a colon before it if one likes. No attribute is called
//!   `and`, `or` or `not` alone. Brackets do not stand within brackets, nor is anything written behind them but `and` and `or`.
//! * Values are those of JSON (RFC 8259): `true`, `false` and `null` in lower case, numbers, and texts with its escapes. A lone
//!   surrogate and U+0000 are refused: neither can be stored.
//! * Between words stand one or more spaces, tabs or line ends. Around parentheses and within brackets they may be left out,
//!   except between a parenthesis or bracket and `and` or `or`.
//! * `co`, `sw` and `ew` take a text; `gt`, `ge`, `lt` and `le` a text or a number. Other values with them are refused here,
//!   whatever the attribute is. Whether an attribute exists and takes the operator is for the caller to say, at the column of
//!   its path.
//! * At most [`TEXT_BYTES_MAX`] bytes, [`DEPTH_MAX`] parentheses and brackets within one another, and [`COMPARISONS_MAX`]
//!   comparisons. The parser counts the depth before it goes deeper, so no input can exhaust the stack, and what it builds is
//!   shallow enough to be walked and dropped by recursion. It looks at each character a fixed number of times and never goes
//!   back further than one word, so its time is linear in the length.
//!
//! # Meaning
//!
//! Logic has two values. For a resource, a filter is true or false, never unknown.
//!
//! * A comparison is true if **any** value of the attribute fits. Of an attribute that is absent, none does.
//! * `a ne x` is `not (a eq x)`: true if no value equals `x`, and so if there is none.
//! * `a pr` is true if there is a value that is not the empty text, or an element of a complex attribute.
//! * `a eq null` is `not (a pr)`, and `a ne null` is `a pr` (RFC 7643, section 2.5: unassigned, null and empty are one state).
//! * `a[f]` is true if `f` is true for one element of `a`: all its comparisons look at the same element. `a.b eq 1 and a.c eq 2`
//!   may look at two.
//! * Texts are compared ignoring case unless the attribute is case-exact. Ignoring case means: each character is replaced by its
//!   lower case of Unicode, whatever its neighbours and the locale are. No other normal form is made.
//! * Texts are ordered by code point, after that replacement. Numbers are ordered by their exact value, `1.0` equals `1`. Times
//!   are written as text in the filter and ordered as moments. Booleans have no order.
//! * A value of another type fits nothing: `active eq "true"` is false, `active ne "true"` is true.

mod cursor;
mod error;
mod evaluate;
mod number;
mod parser;
mod path;
mod print;
mod text;

#[cfg(test)]
mod tests;

pub use error::{FilterError, FilterErrorKind};
pub use evaluate::{Resource, Value, evaluate};
pub use number::Number;
pub use parser::parse;
pub use path::AttributePath;

/// Longest filter, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// So many parentheses and brackets may be open at once.
pub const DEPTH_MAX: usize = 32;
/// So many comparisons, those with `pr` and those within brackets included.
pub const COMPARISONS_MAX: usize = 64;

/// Which resources are meant.
///
/// Equality is that of what is written, columns and redundant parentheses aside. `Display` prints the canonical form: operators in
/// lower case, single spaces, no needless parenthesis or escape. It parses to the same filter, and is never longer than the text
/// that the filter was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them; two or more.
    And(Vec<Filter>),
    /// One of them at least; two or more.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// `path operator value`
    Compare {
        path: AttributePath,
        operator: Operator,
        value: Literal,
    },
    /// `path pr`
    Present {
        path: AttributePath,
    },
    /// `path[filter]`; the paths in `filter` are those of an element. It holds no `Has`.
    Has {
        path: AttributePath,
        filter: Box<Filter>,
    },
}

/// How an attribute is compared with a value. `pr`, which has no value, is [`Filter::Present`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Operator {
    pub const ALL: [Self; 9] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
    ];

    /// As it is written in a filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }

    /// Whether it looks for a part of a text: `co`, `sw`, `ew`.
    pub const fn is_for_parts(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    /// Whether it needs an order of values: `gt`, `ge`, `lt`, `le`.
    pub const fn is_for_order(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.as_str().eq_ignore_ascii_case(word))
    }
}

/// What an attribute is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Without U+0000.
    Text(String),
    Number(Number),
    Boolean(bool),
    Null,
}
