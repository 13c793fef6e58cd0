//! Names that are no settings.

use super::{KEY, TemporaryFile, accepted, assert_contains, refused};

#[test]
fn unknown_name_is_refused_with_the_nearest_known_one() {
    let problem = refused(&[("USHER_LISTN", "127.0.0.1:8000")]);
    assert_contains(&problem, &["USHER_LISTN: ", "did you mean USHER_LISTEN?"]);
    let problem = refused(&[("USHER_SECRETKEY_FILE", "/run/key")]);
    assert_contains(&problem, &["did you mean USHER_SECRET_KEY_FILE?"]);
    let problem = refused(&[("USHER_FAVOURITE_COLOUR_OF_THE_DAY", "green")]);
    assert_contains(&problem, &["USHER_FAVOURITE_COLOUR_OF_THE_DAY: ", "config docs"]);
    assert!(!problem.contains("green"), "the value may be a secret: {problem}");
}

#[test]
fn name_of_the_test_tools_is_unknown() {
    assert_contains(&refused(&[("USHER_BIN", "/usr/bin/usher")]), &["USHER_BIN: "]);
}

#[test]
fn unknown_name_draws_no_lines_of_its_own() {
    assert!(!refused(&[("USHER_\nFAKE: all is well", "1")]).contains('\n'));
    assert_contains(&refused(&[(&format!("USHER_{}", "X".repeat(5000)), "1")]), &["USHER_XXX"]);
}

#[test]
fn names_of_others_are_left_alone() {
    accepted(&[("TEST_DATABASE_URL", "x"), ("usher_listen", "x"), ("PATH", "")]);
}

#[test]
fn file_variable_is_for_secrets_only() {
    let problem = refused(&[("USHER_LISTEN_FILE", "/run/listen")]);
    assert_contains(&problem, &["USHER_LISTEN_FILE: ", "only secrets", "set USHER_LISTEN itself"]);
}

#[test]
fn secret_and_its_file_together_are_refused() {
    let file = TemporaryFile::new(KEY);
    let problem = refused(&[("USHER_SECRET_KEY", KEY), ("USHER_SECRET_KEY_FILE", file.path())]);
    assert_contains(&problem, &["USHER_SECRET_KEY: ", "USHER_SECRET_KEY_FILE", "keep one"]);
}
