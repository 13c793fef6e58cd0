//! The policy, rule by rule.

use super::policy::{ContextWords, check};
use super::*;
use crate::error::Rejection;

fn check_it(password: &str) -> Result<(), &'static str> {
    let mut words = ContextWords::of_service("id.example.com");
    words.add("ann.baker@example.com");
    words.add("Ann Baker");
    check("/password", &SecretText::new(password.to_owned()), 15, &words).map_err(|rejection: Rejection| {
        match rejection.errors[0].code.as_ref() {
            "password_too_short" => "short",
            "password_too_long" => "long",
            "password_common" => "common",
            "password_context" => "context",
            _ => "other",
        }
    })
}

#[test]
fn r001_fifteen_code_points_are_enough_and_fourteen_are_not() {
    for (fourteen, fifteen) in
        [("plum kettle or", "plum kettle orb"), ("🦦🌲🪵🛶🎣🐟🍂🍄🌙⭐🔥🏕🧭🗺", "🦦🌲🪵🛶🎣🐟🍂🍄🌙⭐🔥🏕🧭🗺🎒")]
    {
        assert_eq!(fourteen.chars().count(), 14);
        assert_eq!(check_it(fourteen), Err("short"));
        assert_eq!(check_it(fifteen), Ok(()));
    }
    // Composed and decomposed letters count the same.
    assert_eq!(check_it("e\u{301}plum kettle or"), Ok(()));
    assert_eq!(check_it("e\u{301}plum kettle o"), Err("short"));
}

#[test]
fn r002_up_to_1024_bytes_are_accepted_and_more_is_refused() {
    let varied: String = (0..1024_u32).map(|n| char::from(b'a' + u8::try_from(n * 7 % 26 + n / 300).unwrap() % 26)).collect();
    assert_eq!(check_it(&varied), Ok(()));
    assert_eq!(check_it(&format!("{varied}x")), Err("long"));
}

#[test]
fn r004_there_are_no_composition_rules() {
    assert_eq!(check_it("just some small words"), Ok(()));
    assert_eq!(check_it("  leading and trailing  "), Ok(()));
    assert_eq!(check_it("словосочетание не из списка"), Ok(()));
}

#[test]
fn r005_common_passwords_are_refused_whole_and_in_any_case() {
    for common in ["1234567890123456", "Passwordpassword", "aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc"] {
        assert_eq!(check_it(common), Err("common"), "{common}");
    }
    // Whole, not by substring.
    assert_eq!(check_it("passwordpassword is not my whole phrase"), Ok(()));
}

#[test]
fn r005_words_of_the_service_and_the_person_are_refused() {
    for word in ["usherusherusher", "ann.baker@example.com", "Ann Baker 1234567", "annbakerannbaker", "!!usher!!12345678"] {
        assert_eq!(check_it(word), Err("context"), "{word}");
    }
    assert_eq!(check_it("ann keeps bees in the attic"), Ok(()));
}

#[test]
fn r003_composed_and_decomposed_spellings_are_one_password() {
    let composed = normalised(&SecretText::new("caf\u{e9} at the corner".to_owned()));
    let decomposed = normalised(&SecretText::new("cafe\u{301} at the corner".to_owned()));
    assert_eq!(composed.reveal(), decomposed.reveal());
}
