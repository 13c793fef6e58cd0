//! The canonical form: what is needed to be read as the same filter, and no more.

use std::fmt::{self, Write};

use super::{Filter, Literal, Operator};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(filters) => write_joined(f, filters, " and ", |filter| matches!(filter, Self::And(_) | Self::Or(_))),
            Self::Or(filters) => write_joined(f, filters, " or ", |filter| matches!(filter, Self::Or(_))),
            // Without a space, as the grammar has it: what is printed is never longer than what was read.
            Self::Not(filter) => write!(f, "not({filter})"),
            Self::Compare { path, operator, value } => write!(f, "{path} {operator} {value}"),
            Self::Present { path } => write!(f, "{path} pr"),
            Self::Has { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn write_joined(
    f: &mut fmt::Formatter<'_>,
    filters: &[Filter],
    connective: &str,
    is_enclosed: fn(&Filter) -> bool,
) -> fmt::Result {
    for (at, filter) in filters.iter().enumerate() {
        if at > 0 {
            f.write_str(connective)?;
        }
        if is_enclosed(filter) {
            write!(f, "({filter})")?;
        } else {
            write!(f, "{filter}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_text(f, text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Null => f.write_str("null"),
        }
    }
}

/// In quotes, with the escapes that JSON demands, the short ones where there are any.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for sign in text.chars() {
        match sign {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            sign if sign < ' ' => write!(f, "\\u{:04x}", u32::from(sign))?,
            sign => f.write_char(sign)?,
        }
    }
    f.write_char('"')
}
