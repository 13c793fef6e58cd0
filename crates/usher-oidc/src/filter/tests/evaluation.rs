//! What a filter means, over a user as SCIM shows one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::properties::filters;
use crate::filter::{AttributePath, Filter, Literal, Number, Operator, Resource, Value, evaluate, parse};

/// Values by the path in lower case, and elements by the attribute.
#[derive(Default)]
struct Thing {
    values: BTreeMap<&'static str, Vec<Value<'static>>>,
    elements: BTreeMap<&'static str, Vec<Thing>>,
}

impl Thing {
    fn with(mut self, path: &'static str, value: Value<'static>) -> Self {
        self.values.entry(path).or_default().push(value);
        self
    }
}

impl Resource for Thing {
    fn values(&self, path: &AttributePath) -> Vec<Value<'_>> {
        let attribute = path.attribute().to_lowercase();
        let Some(elements) = self.elements.get(attribute.as_str()) else {
            return self.values.get(path.as_str().to_lowercase().as_str()).cloned().unwrap_or_default();
        };
        let part = AttributePath::parse(path.sub_attribute().unwrap_or("value")).unwrap();
        elements.iter().flat_map(|element| element.values(&part)).collect()
    }

    fn elements(&self, path: &AttributePath) -> Vec<Box<dyn Resource + '_>> {
        let elements = self.elements.get(path.as_str().to_lowercase().as_str());
        elements.into_iter().flatten().map(|element| Box::new(element) as Box<dyn Resource>).collect()
    }

    fn is_case_exact(&self, path: &AttributePath) -> bool {
        path.is("externalId")
    }

    /// The tests write times as numbers.
    fn time(&self, text: &str) -> Option<i64> {
        text.parse().ok()
    }
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

fn number(number: &str) -> Value<'static> {
    Value::Number(Number::parse(number).unwrap())
}

fn ada() -> Thing {
    let email = |kind, value| Thing::default().with("type", text(kind)).with("value", text(value));
    let mut ada = Thing::default()
        .with("username", text("Ada"))
        .with("externalid", text("X-7"))
        .with("nickname", text(""))
        .with("city", text("İSTANBUL ΟΔΟΣ"))
        .with("logins", number("10"))
        .with("active", Value::Boolean(true))
        .with("meta.created", Value::Time(1_000))
        .with("tags", text("Blue"))
        .with("tags", text("green"));
    ada.elements.insert("emails", vec![email("work", "ada@example.com"), email("home", "ada@example.org")]);
    ada.elements.insert("addresses", vec![Thing::default().with("city", text("London"))]);
    ada
}

fn holds(cases: &[&str]) {
    for filter in cases {
        assert!(evaluate(&parse(filter).unwrap(), &ada()), "{filter}");
        assert!(!evaluate(&parse(&format!("not ({filter})")).unwrap(), &ada()), "not ({filter})");
    }
}

fn fails(cases: &[&str]) {
    for filter in cases {
        assert!(!evaluate(&parse(filter).unwrap(), &ada()), "{filter}");
    }
}

#[test]
fn texts_compare_ignoring_case_unless_the_attribute_is_case_exact() {
    holds(&[
        r#"userName eq "aDA""#,
        r#"USERNAME sw "AD""#,
        r#"userName ew "dA""#,
        r#"userName co "D""#,
        r#"userName co """#,
        r#"externalId eq "X-7""#,
        r#"externalId ne "x-7""#,
        r#"externalId co "X""#,
        r#"city ew "σ""#,
        r#"city co "ΟΔΟΣ""#,
        r#"city sw "İs""#,
    ]);
    fails(&[
        r#"userName eq "ad""#,
        r#"userName sw "d""#,
        r#"userName ew "a ""#,
        r#"externalId eq "x-7""#,
        r#"externalId sw "x""#,
    ]);
}

#[test]
fn texts_are_ordered_by_code_point_in_lower_case() {
    holds(&[
        r#"userName gt "acz""#,
        r#"userName gt "ACZ""#,
        r#"userName ge "ADA""#,
        r#"userName le "ADA""#,
        r#"userName lt "adaa""#,
        r#"userName lt "z""#,
        r#"userName lt "é""#,
        r#"externalId lt "x""#,
        r#"externalId gt "A""#,
    ]);
    fails(&[r#"userName gt "ADA""#, r#"userName lt "ada""#, r#"userName lt "B" and userName gt "c""#]);
}

#[test]
fn numbers_times_and_booleans_compare_as_what_they_are() {
    holds(&[
        "logins eq 10.0",
        "logins gt 9",
        "logins ge 1e1",
        "logins lt 10.01",
        "active eq true",
        "active ne false",
        r#"meta.created eq "1000""#,
        r#"meta.created gt "999""#,
        r#"meta.created le "01000""#,
        r#"meta.created ne "yesterday""#,
    ]);
    fails(&[
        "logins gt 10",
        "active eq false",
        r#"meta.created lt "999""#,
        r#"meta.created lt "yesterday""#,
        r#"meta.created co "1""#,
    ]);
}

#[test]
fn a_value_of_another_type_fits_nothing() {
    fails(&[r#"logins eq "10""#, r#"active eq "true""#, "userName eq 1", "userName gt 1", "meta.created eq 1000", "active eq 1"]);
    holds(&[r#"logins ne "10""#, r#"active ne "true""#]);
}

#[test]
fn a_comparison_with_what_is_absent_is_false_and_ne_is_true() {
    fails(&[r#"title eq "x""#, r#"title co """#, "title lt 1", "title eq false", "title pr", "title[a ne 1]"]);
    holds(&[r#"title ne "x""#, r#"not (title eq "x")"#, "not (title pr)", "title eq null"]);
}

#[test]
fn present_is_what_is_not_empty_and_null_is_what_is_not_present() {
    holds(&["userName pr", "emails pr", "emails.type pr", "tags pr", "active pr", "userName ne null", "emails ne null"]);
    holds(&["addresses pr", "addresses ne null", "addresses[city pr]", "not (addresses.street pr)"]);
    holds(&["nickName eq null", r#"nickName eq """#, r#"nickName ne "x""#]);
    fails(&["nickName pr", "nickName ne null", "userName eq null", "emails eq null"]);
}

#[test]
fn of_many_values_one_is_enough_and_ne_wants_none() {
    holds(&[r#"tags eq "blue""#, r#"tags eq "GREEN""#, r#"tags ne "red""#, r#"emails co "example.org""#]);
    fails(&[r#"tags ne "blue""#, r#"tags eq "red""#]);
    holds(&[r#"tags eq "blue" and tags eq "green""#]);
}

#[test]
fn within_brackets_one_element_fits_all() {
    holds(&[
        r#"emails.type eq "home" and emails.value ew ".com""#,
        r#"emails[type eq "HOME" and value ew ".org"]"#,
        r#"emails[type ne "home"]"#,
        r#"emails[not (type eq "home" or value ew ".org")]"#,
        "emails[type pr and display eq null]",
    ]);
    fails(&[r#"emails[type eq "home" and value ew ".com"]"#, "emails[display pr]", r#"emails.type ne "home""#]);
}

#[test]
fn a_filter_that_is_made_by_hand_and_makes_no_sense_is_false() {
    for (name, operator, value) in [
        ("active", Operator::Greater, Literal::Boolean(false)),
        ("title", Operator::LessOrEqual, Literal::Null),
        ("title", Operator::Contains, Literal::Null),
    ] {
        let path = AttributePath::parse(name).unwrap();
        assert!(!evaluate(&Filter::Compare { path, operator, value }, &ada()));
    }
}

proptest! {
    #[test]
    fn what_is_printed_means_the_same(filter in filters()) {
        let again = parse(&filter.to_string()).unwrap();
        prop_assert_eq!(evaluate(&filter, &ada()), evaluate(&again, &ada()));
    }

    /// De Morgan: logic has two values.
    #[test]
    fn no_filter_is_neither_true_nor_false(one in filters(), two in filters()) {
        let not = |filter: &Filter| Filter::Not(Box::new(filter.clone()));
        let both = Filter::And(vec![one.clone(), two.clone()]);
        let neither = Filter::Or(vec![not(&one), not(&two)]);
        prop_assert_ne!(evaluate(&both, &ada()), evaluate(&neither, &ada()));
    }
}
