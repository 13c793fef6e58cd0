//! The small parsers of the tour, and a server that does not come up.

use std::fs;

use super::*;

fn kept() -> HashMap<&'static str, String> {
    HashMap::from([("id", "42".to_owned()), ("person_id", "p".to_owned())])
}

#[test]
fn names_are_filled_in() {
    let filled = fill("/v1/users/$person_id/suspend?x=$id", &kept()).unwrap();
    assert_eq!(filled, "/v1/users/p/suspend?x=42");
    assert!(fill("$nobody", &kept()).unwrap_err().contains("$nobody"));
}

#[test]
fn mails_are_sorted_by_their_time() {
    let list = Value::parse(r#"{"items":[{"id":1,"created_at":"2024-01-01"},{"id":"b","created_at":"2024-01-02"}]}"#).unwrap();
    assert_eq!(newest_first(&list), ["b", "1"]);
    let without_times = Value::parse(r#"[{"id":3},{"id":2}]"#).unwrap();
    assert_eq!(newest_first(&without_times), ["3", "2"]);
    assert!(newest_first(&Value::Null).is_empty());
}

#[test]
fn the_token_ends_where_the_link_ends() {
    let start = "http://127.0.0.1:1/verify?token=";
    for (mail, token) in [
        ("open http://127.0.0.1:1/verify?token=a-B_9 now", "a-B_9"),
        ("open http://127.0.0.1:1/verify?token=abc.\n", "abc"),
        ("<a href=\"http://127.0.0.1:1/verify?token=abc\">", "abc"),
        ("http://127.0.0.1:1/verify?token=abc", "abc"),
    ] {
        assert_eq!(token_after(mail, start).as_deref(), Some(token), "{mail}");
    }
    assert_eq!(token_after("no link", start), None);
}

#[test]
fn a_server_that_ends_at_once_is_a_surprise() {
    let folder = std::env::temp_dir().join(format!("usher-tour-test-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let surprise = tour(Path::new("/bin/false"), &folder).unwrap_err();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(surprise, "usher ended before it was ready");
}
