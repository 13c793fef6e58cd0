//! The rules together, over a small tree.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_tidy_tree_has_no_faults() {
    let files = [
        file("crates/usher/src/lib.rs", "//! usher.\npub mod users;\n"),
        file("crates/usher/src/users/mod.rs", "//! Users.\nuse crate::audit;\n"),
        file("crates/usher/src/users/tests.rs", "//! Tests.\nuse crate::testing::TestApp;\nuse std::time::Instant;\n"),
        file("migrations/V1__users.sql", "create table users ();"),
    ];
    assert_eq!(check(&files), []);
}

#[test]
fn faults_are_sorted_and_name_their_lines() {
    let files = [
        file("crates/usher/src/users/mod.rs", "//! Users.\nuse axum::Json;\nuse crate::cli;\n"),
        file("crates/usher/src/audit/mod.rs", "use crate::users;\n"),
    ];
    let places: Vec<String> = check(&files).iter().map(|fault| format!("{}:{}", fault.path, fault.line)).collect();
    assert_eq!(
        places,
        [
            "crates/usher/src/audit/mod.rs:1",
            "crates/usher/src/audit/mod.rs:1",
            "crates/usher/src/users/mod.rs:2",
            "crates/usher/src/users/mod.rs:3",
        ]
    );
}

#[test]
fn this_crate_is_tidy() {
    let mut files = Vec::new();
    collect(&workspace::root(), "xtask", &mut files).unwrap();
    assert!(files.len() > 10);
    assert_eq!(check(&files), []);
}
