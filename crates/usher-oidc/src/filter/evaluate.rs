//! What a filter means, over any resource: plain, and the measure for what is translated to SQL.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{AttributePath, Filter, Literal, Number, Operator};

/// What a filter is asked of: a resource, or an element of one of its complex attributes.
pub trait Resource {
    /// The values that the path leads to. None for what is absent or unknown. Of an attribute with elements, those of all
    /// elements; without a sub-attribute, those that it is compared by.
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>>;

    /// The elements of a complex attribute that are not empty.
    fn elements(&self, path: &AttributePath) -> Vec<Box<dyn Resource + '_>>;

    /// Whether texts are compared as they are.
    fn is_case_exact(&self, path: &AttributePath) -> bool;

    /// The moment that a text of the filter means, as in [`Value::Time`]. `None` if it means none: then it fits no time.
    fn time(&self, text: &str) -> Option<i64>;
}

impl<R: Resource + ?Sized> Resource for &R {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        (**self).values(path)
    }

    fn elements(&self, path: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        (**self).elements(path)
    }

    fn is_case_exact(&self, path: &AttributePath) -> bool {
        (**self).is_case_exact(path)
    }

    fn time(&self, text: &str) -> Option<i64> {
        (**self).time(text)
    }
}

/// One value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Number(Number),
    Boolean(bool),
    /// In microseconds since the Unix epoch.
    Time(i64),
}

/// Whether the filter is true for the resource. The rules stand in the documentation of the module.
pub fn evaluate(filter: &Filter, resource: &dyn Resource) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| evaluate(filter, resource)),
        Filter::Or(filters) => filters.iter().any(|filter| evaluate(filter, resource)),
        Filter::Not(filter) => !evaluate(filter, resource),
        Filter::Present { path } => is_present(path, resource),
        Filter::Has { path, filter } => resource.elements(path).iter().any(|element| evaluate(filter, &**element)),
        Filter::Compare { path, operator: Operator::NotEqual, value } => !fits(path, Operator::Equal, value, resource),
        Filter::Compare { path, operator, value } => fits(path, *operator, value, resource),
    }
}

fn is_present(path: &AttributePath, resource: &dyn Resource) -> bool {
    let is_empty = |value: &Value<'_>| matches!(value, Value::Text(text) if text.is_empty());
    !resource.values(path).iter().all(is_empty) || !resource.elements(path).is_empty()
}

/// Whether any value fits. `operator` is not `ne`.
fn fits(path: &AttributePath, operator: Operator, wanted: &Literal, resource: &dyn Resource) -> bool {
    if *wanted == Literal::Null {
        return operator == Operator::Equal && !is_present(path, resource);
    }
    resource.values(path).iter().any(|value| match (value, wanted) {
        (Value::Text(text), Literal::Text(wanted)) if resource.is_case_exact(path) => text_fits(operator, text, wanted),
        (Value::Text(text), Literal::Text(wanted)) => text_fits(operator, &lower_case(text), &lower_case(wanted)),
        (Value::Number(number), Literal::Number(wanted)) => order_fits(operator, number.order(wanted)),
        (Value::Time(time), Literal::Text(wanted)) => {
            resource.time(wanted).is_some_and(|wanted| order_fits(operator, time.cmp(&wanted)))
        }
        (Value::Boolean(boolean), Literal::Boolean(wanted)) => operator == Operator::Equal && boolean == wanted,
        _ => false,
    })
}

/// Character by character, so that the lower case of a part is a part of the lower case.
fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn text_fits(operator: Operator, text: &str, wanted: &str) -> bool {
    match operator {
        Operator::Contains => text.contains(wanted),
        Operator::StartsWith => text.starts_with(wanted),
        Operator::EndsWith => text.ends_with(wanted),
        // The order of bytes of UTF-8 is that of code points.
        _ => order_fits(operator, text.cmp(wanted)),
    }
}

fn order_fits(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::NotEqual | Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}
