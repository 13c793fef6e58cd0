//! Claims that make a token unacceptable although its signature is good.

use serde_json::{Value, json};

use super::fixtures::{
    EXPECTED, ISSUER, NOW, forge, good_claims, good_header, good_token, judge, judge_claims, verifier, with, without,
};
use crate::jose::{Expected, TokenError};

/// The good claims, with one of them replaced by JSON text that `json!` cannot write.
fn with_raw(name: &str, raw: &str) -> String {
    let placeholder = with(good_claims(), name, json!("@")).to_string();
    placeholder.replace("\"@\"", raw)
}

#[test]
fn the_good_claims_pass() {
    assert!(judge_claims(&good_claims()).is_ok());
}

#[test]
fn r125_an_issuer_that_is_not_exactly_ours_is_refused() {
    for issuer in ["", "https://id.example/", "https://ID.example", "http://id.example", " "] {
        let claims = with(good_claims(), "iss", json!(issuer));
        assert_eq!(judge_claims(&claims), Err(TokenError::Issuer), "{issuer}");
    }
}

#[test]
fn r125_an_issuer_that_is_missing_or_no_string_is_refused() {
    let missing = without(good_claims(), "iss");
    assert_eq!(judge_claims(&missing), Err(TokenError::MissingClaim("iss")));
    for issuer in [json!(null), json!([ISSUER]), json!({ISSUER: true}), json!(1)] {
        let claims = with(good_claims(), "iss", issuer);
        assert_eq!(judge_claims(&claims), Err(TokenError::MalformedClaim("iss")));
    }
}

#[test]
fn r125_an_audience_without_us_is_refused() {
    let audiences = [json!(""), json!("https://id.example/"), json!([]), json!(["https://id.example.evil"])];
    for audience in audiences {
        let claims = with(good_claims(), "aud", audience);
        assert_eq!(judge_claims(&claims), Err(TokenError::Audience));
    }
}

#[test]
fn r125_an_audience_that_is_missing_or_malformed_is_refused() {
    let missing = without(good_claims(), "aud");
    assert_eq!(judge_claims(&missing), Err(TokenError::MissingClaim("aud")));
    let malformed = [json!(null), json!(1), json!([ISSUER, 1]), json!({ISSUER: 1}), json!([[ISSUER]])];
    for audience in malformed {
        let claims = with(good_claims(), "aud", audience);
        assert_eq!(judge_claims(&claims), Err(TokenError::MalformedClaim("aud")));
    }
}

#[test]
fn r125_an_audience_list_that_contains_us_is_accepted() {
    let claims = with(good_claims(), "aud", json!(["https://other.example", ISSUER]));
    assert!(judge_claims(&claims).is_ok());
}

#[test]
fn r125_a_missing_expiry_or_issue_time_is_refused() {
    for name in ["exp", "iat"] {
        let claims = without(good_claims(), name);
        assert_eq!(judge_claims(&claims), Err(TokenError::MissingClaim(name)));
    }
}

#[test]
fn r125_a_time_that_is_no_number_is_refused() {
    for name in ["exp", "iat", "nbf"] {
        let values: [Value; 6] = [json!(null), json!("1800000300"), json!([NOW]), json!({}), json!(true), json!("NaN")];
        for value in values {
            let claims = with(good_claims(), name, value);
            assert_eq!(judge_claims(&claims), Err(TokenError::MalformedClaim(name)));
        }
    }
}

#[test]
fn r125_a_time_that_is_negative_or_beyond_two_to_the_53_is_refused() {
    for name in ["exp", "iat", "nbf"] {
        let numbers = [
            "-1",
            "-0.5",
            "-1e300",
            "9007199254740993",
            "9007199254740994.0",
            "1e16",
            "1e300",
            "18446744073709551615",
            "18446744073709551616",
        ];
        for raw in numbers {
            let token = forge(good_header().to_string().as_bytes(), with_raw(name, raw).as_bytes());
            assert_eq!(judge(&token), Err(TokenError::MalformedClaim(name)), "{name}: {raw}");
        }
    }
}

#[test]
fn r125_a_time_that_is_not_finite_json_is_refused() {
    for raw in ["NaN", "Infinity", "-Infinity", "1e999", "0x10", "+1", "01", "1.", ".5"] {
        let token = forge(good_header().to_string().as_bytes(), with_raw("exp", raw).as_bytes());
        assert_eq!(judge(&token), Err(TokenError::Json), "{raw}");
    }
}

#[test]
fn r125_the_largest_expiry_and_fractions_of_seconds_are_accepted() {
    for raw in ["9007199254740992", "9007199254740992.0", "1800000300.75", "1.8000003e9"] {
        let token = forge(good_header().to_string().as_bytes(), with_raw("exp", raw).as_bytes());
        assert!(judge(&token).is_ok(), "{raw}");
    }
}

#[test]
fn r125_an_expired_token_is_refused_at_the_edge_of_the_leeway() {
    let exp = |seconds: i64| judge_claims(&with(good_claims(), "exp", json!(seconds)));
    assert!(exp(NOW - 4).is_ok());
    assert_eq!(exp(NOW - 5), Err(TokenError::Expired));
    assert_eq!(exp(0), Err(TokenError::Expired));
    let fraction = with_raw("exp", "1799999995.9");
    let token = forge(good_header().to_string().as_bytes(), fraction.as_bytes());
    assert_eq!(judge(&token), Err(TokenError::Expired));
}

#[test]
fn r125_a_token_from_the_future_is_refused_at_the_edge_of_the_leeway() {
    let iat = |seconds: i64| judge_claims(&with(good_claims(), "iat", json!(seconds)));
    assert!(iat(NOW + 5).is_ok());
    assert_eq!(iat(NOW + 6), Err(TokenError::IssuedInFuture));
}

#[test]
fn r125_a_token_that_is_not_valid_yet_is_refused_at_the_edge_of_the_leeway() {
    let nbf = |seconds: i64| judge_claims(&with(good_claims(), "nbf", json!(seconds)));
    assert!(nbf(NOW + 5).is_ok());
    assert_eq!(nbf(NOW + 6), Err(TokenError::NotYetValid));
}

#[test]
fn r125_a_leeway_outside_one_minute_is_refused() {
    for leeway_seconds in [-1, 61, i64::MAX, i64::MIN] {
        let expected = Expected { leeway_seconds, ..EXPECTED };
        let verdict = verifier().verify(&good_token(), &expected, NOW);
        assert_eq!(verdict, Err(TokenError::Leeway), "{leeway_seconds}");
    }
    for leeway_seconds in [0, 60] {
        let expected = Expected { leeway_seconds, ..EXPECTED };
        assert!(verifier().verify(&good_token(), &expected, NOW).is_ok());
    }
}

#[test]
fn r125_a_clock_at_its_limits_does_not_overflow() {
    let at = |now: i64| verifier().verify(&good_token(), &EXPECTED, now);
    assert_eq!(at(i64::MAX), Err(TokenError::Expired));
    assert_eq!(at(i64::MIN), Err(TokenError::IssuedInFuture));
}
