//! The examples of RFC 7644, precedence, names, spaces, and the canonical form.

use super::{canonical, compare, negated, path, present, text};
use crate::filter::{AttributePath, Filter, FilterErrorKind, Operator, parse};

/// Section 3.4.2.2, figure 1, with what each is printed as where that differs.
const EXAMPLES: [(&str, Option<&str>); 19] = [
    (r#"userName Eq "john""#, Some(r#"userName eq "john""#)),
    (r#"Username eq "john""#, None),
    (r#"userName eq "bjensen""#, None),
    (r#"name.familyName co "O'Malley""#, None),
    (r#"userName sw "J""#, None),
    (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#, None),
    ("title pr", None),
    (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, None),
    (r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, None),
    (r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, None),
    (r#"meta.lastModified le "2011-05-13T04:42:34Z""#, None),
    (r#"title pr and userType eq "Employee""#, None),
    (r#"title pr or userType eq "Intern""#, None),
    (r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, None),
    (r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, None),
    (
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        Some(r#"userType ne "Employee" and not(emails co "example.com" or emails.value co "example.org")"#),
    ),
    (r#"userType eq "Employee" and (emails.type eq "work")"#, Some(r#"userType eq "Employee" and emails.type eq "work""#)),
    (r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#, None),
    (r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#, None),
];

#[test]
fn r192_the_examples_of_the_rfc_are_read() {
    for (written, printed) in EXAMPLES {
        assert_eq!(canonical(written), printed.unwrap_or(written));
    }
}

#[test]
fn a_filter_is_read_as_what_is_written() {
    assert_eq!(
        parse(r#"userType ne "Employee" and not (emails pr) or ims[type eq "xmpp"]"#).unwrap(),
        Filter::Or(vec![
            Filter::And(vec![compare("userType", Operator::NotEqual, text("Employee")), negated(present("emails"))]),
            Filter::Has { path: path("ims"), filter: Box::new(compare("type", Operator::Equal, text("xmpp"))) },
        ])
    );
}

#[test]
fn r192_not_binds_closer_than_and_and_and_closer_than_or() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(present);
    let or = Filter::Or;
    let and = Filter::And;
    for (written, filter) in [
        ("a pr or b pr and c pr", or(vec![a.clone(), and(vec![b.clone(), c.clone()])])),
        ("a pr and b pr or c pr", or(vec![and(vec![a.clone(), b.clone()]), c.clone()])),
        ("(a pr or b pr) and c pr", and(vec![or(vec![a.clone(), b.clone()]), c.clone()])),
        ("not (a pr) and b pr", and(vec![negated(a.clone()), b.clone()])),
        ("not (a pr and b pr)", negated(and(vec![a.clone(), b.clone()]))),
        ("not (a pr) or not (b pr)", or(vec![negated(a.clone()), negated(b.clone())])),
        ("a pr and b pr and c pr", and(vec![a.clone(), b.clone(), c.clone()])),
        ("a pr and (b pr and c pr)", and(vec![a.clone(), and(vec![b.clone(), c.clone()])])),
        ("a pr or b pr and c pr or d pr", or(vec![a.clone(), and(vec![b, c]), d])),
        ("((a pr))", a),
    ] {
        assert_eq!(parse(written).unwrap(), filter, "{written}");
        canonical(written);
    }
}

#[test]
fn r192_operators_are_read_in_any_case_and_names_are_kept() {
    let written = r#"NOT (UserName SW "A") AND eMails[TYPE Eq "x" Or Value PR] oR a pR"#;
    assert_eq!(canonical(written), r#"not(UserName sw "A") and eMails[TYPE eq "x" or Value pr] or a pr"#);
    for operator in Operator::ALL {
        let name = operator.as_str();
        let filter = compare("a", operator, text("1"));
        assert_eq!(parse(&format!(r#"a {name} "1""#)).unwrap(), filter);
        assert_eq!(parse(&format!(r#"a {} "1""#, name.to_uppercase())).unwrap(), filter);
    }
    assert!(path("UserName").is("username") && path("urn:a:B:name.First").is("URN:a:b:NAME.first"));
    assert!(!path("urn:a:b:userName").is("userName") && !path("name").is("name.first"));
    assert_ne!(path("userName"), path("username"));
}

#[test]
fn space_is_as_one_likes_between_words() {
    let printed = "not(a pr) and b[c pr or d eq 1] and e pr";
    assert_eq!(canonical(" \t\r\nnot\n( a   pr\t)  and   b[ c pr or d\teq  1 ] and ( e pr )\n"), printed);
    assert_eq!(canonical(printed), printed);
}

#[test]
fn paths_have_a_schema_an_attribute_and_a_part() {
    let parts = |text: &str| {
        let path = path(text);
        assert_eq!(path.to_string(), text);
        let owned = |part: Option<&str>| part.map(str::to_owned);
        (owned(path.schema()), path.attribute().to_owned(), owned(path.sub_attribute()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(parts("userName"), (None, "userName".to_owned(), None));
    assert_eq!(parts("attributes.cost-center_2"), (None, "attributes".to_owned(), some("cost-center_2")));
    assert_eq!(parts("members.$ref"), (None, "members".to_owned(), some("$ref")));
    assert_eq!(parts("name.not"), (None, "name".to_owned(), some("not")));
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(
        parts(&format!("{enterprise}:manager.displayName")),
        (some(enterprise), "manager".to_owned(), some("displayName"))
    );
    assert_eq!(parts(&format!("{enterprise}:and")), (some(enterprise), "and".to_owned(), None));
}

#[test]
fn a_path_that_stands_alone_is_refused_as_in_a_filter() {
    let kind = |text: &str| AttributePath::parse(text).unwrap_err().kind;
    assert_eq!(kind(""), FilterErrorKind::NoAttribute);
    assert_eq!(kind("And"), FilterErrorKind::NoAttribute);
    assert_eq!(kind("user name"), FilterErrorKind::AttributeSign("U+0020".to_owned()));
    assert_eq!(kind("a[b pr]"), FilterErrorKind::AttributeSign("[".to_owned()));
    assert_eq!(kind("a.b.c"), FilterErrorKind::Attribute("a.b.c".to_owned()));
    assert_eq!(kind(&"a".repeat(8193)), FilterErrorKind::TooLong);
}

#[test]
fn every_path_knows_its_column() {
    let Ok(Filter::And(filters)) = parse(r#"a eq "éé😀" and  userName pr and (emails[type pr])"#) else { unreachable!() };
    let [Filter::Compare { path: first, .. }, Filter::Present { path: second }, Filter::Has { path: third, filter }] =
        filters.as_slice()
    else {
        unreachable!()
    };
    let Filter::Present { path: inner } = &**filter else { unreachable!() };
    assert_eq!([first, second, third, inner].map(AttributePath::column), [1, 17, 34, 41]);
}
