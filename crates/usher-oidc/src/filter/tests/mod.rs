//! Tests of the filter language: what is read and as what, what is refused and where, what it means.

mod errors;
mod evaluation;
mod grammar;
mod limits;
mod properties;
mod values;

use super::{AttributePath, Filter, Literal, Operator, parse};

fn path(text: &str) -> AttributePath {
    AttributePath::parse(text).unwrap()
}

fn compare(name: &str, operator: Operator, value: Literal) -> Filter {
    Filter::Compare { path: path(name), operator, value }
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn present(name: &str) -> Filter {
    Filter::Present { path: path(name) }
}

fn negated(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

/// What is printed for this filter, after a look that it is read as the same one.
fn canonical(written: &str) -> String {
    let filter = parse(written).unwrap();
    let printed = filter.to_string();
    assert_eq!(parse(&printed).as_ref(), Ok(&filter), "{written}");
    printed
}
