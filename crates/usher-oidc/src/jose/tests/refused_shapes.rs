//! Texts that are not one compact token written in the one canonical way.

use serde_json::json;

use super::fixtures::{forge, good_claims, good_header, good_token, judge, with};
use crate::jose::{MAX_TOKEN_BYTES, TokenError, compact, json as strict};

fn parts() -> (String, String, String) {
    let token = good_token();
    let mut segments = token.split('.').map(str::to_owned);
    let mut next = || segments.next().expect("a token has three segments");
    (next(), next(), next())
}

/// What the verifier says of honestly signed text that is meant to be a header.
fn judge_header_text(text: &str) -> Result<(), TokenError> {
    judge(&forge(text.as_bytes(), good_claims().to_string().as_bytes())).map(drop)
}

/// What the verifier says of honestly signed bytes that are meant to be claims.
fn judge_payload(bytes: &[u8]) -> Result<(), TokenError> {
    judge(&forge(good_header().to_string().as_bytes(), bytes)).map(drop)
}

#[test]
fn r126_another_number_of_segments_is_refused() {
    let (header, payload, signature) = parts();
    let texts = [
        String::new(),
        header.clone(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}.a.b.c"),
    ];
    for text in texts {
        assert_eq!(judge(&text), Err(TokenError::NotCompact), "{text}");
    }
}

#[test]
fn r127_five_segments_are_refused() {
    let (header, payload, signature) = parts();
    let encrypted = format!("{header}.{payload}.{signature}.{payload}.{signature}");
    assert_eq!(judge(&encrypted), Err(TokenError::NotCompact));
    assert_eq!(judge(&format!("{header}..{payload}.{signature}.")), Err(TokenError::NotCompact));
}

#[test]
fn r126_the_json_serialisations_are_refused() {
    let (protected, payload, signature) = parts();
    let flattened = json!({"payload": payload, "protected": protected, "signature": signature});
    assert_eq!(judge(&flattened.to_string()), Err(TokenError::NotCompact));
}

#[test]
fn r126_a_token_above_eight_kibibytes_is_refused() {
    let sized = |padding: usize| {
        let claims = with(good_claims(), "pad", json!("p".repeat(padding))).to_string();
        forge(good_header().to_string().as_bytes(), claims.as_bytes())
    };
    let overhead = sized(0).len();
    let fits = sized((MAX_TOKEN_BYTES - overhead) * 3 / 4);
    assert!((MAX_TOKEN_BYTES - 4..=MAX_TOKEN_BYTES).contains(&fits.len()));
    assert!(judge(&fits).is_ok());
    assert_eq!(judge(&sized(6200)), Err(TokenError::TooLong));
}

#[test]
fn r126_padding_white_space_and_the_other_alphabet_are_refused() {
    let (header, payload, signature) = parts();
    let texts = [
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}=="),
        format!(" {header}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}\n"),
        format!("{header}.{payload}.\t{signature}"),
        format!("{header}.{payload}.{signature}+///"),
        format!("{header}.{payload}.{signature}é"),
    ];
    for text in texts {
        assert_eq!(judge(&text), Err(TokenError::Base64), "{text:?}");
    }
}

#[test]
fn r126_trailing_bits_that_are_not_zero_are_refused() {
    // 64 signature bytes leave four unused bits in the last character, which is one of A, Q, g, w.
    let token = good_token();
    let (start, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let position = alphabet.find(last).expect("it is base64url");
    assert_eq!(position % 16, 0);
    for other in alphabet[position + 1..position + 16].chars() {
        assert_eq!(judge(&format!("{start}{other}")), Err(TokenError::Base64), "{other}");
    }
}

#[test]
fn r126_a_duplicate_member_of_the_header_is_refused() {
    let texts = [
        r#"{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"other","kid":"EdDSA"}"#,
        r#"{"alg":"none","typ":"at+jwt","kid":"EdDSA","\u0061lg":"EdDSA"}"#,
    ];
    for text in texts {
        assert_eq!(judge_header_text(text), Err(TokenError::Json), "{text}");
    }
}

#[test]
fn r126_a_duplicate_member_at_any_depth_of_the_claims_is_refused() {
    let good = good_claims().to_string();
    let start = &good[..good.len() - 1];
    let additions = [r#""sub":"admin""#, r#""x":{"a":1,"a":2}"#, r#""x":[[{"b":{"a":1,"a":1}}]]"#, r#""x":1,"\u0078":2"#];
    for addition in additions {
        let text = format!("{start},{addition}}}");
        assert_eq!(judge_payload(text.as_bytes()), Err(TokenError::Json), "{addition}");
    }
}

#[test]
fn r126_nesting_deeper_than_sixteen_is_refused() {
    // The outermost object is the first level.
    let nested = |levels: usize| {
        let inner = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        with(good_claims(), "x", json!("@")).to_string().replace("\"@\"", &inner)
    };
    assert_eq!(judge_payload(nested(strict::MAX_DEPTH).as_bytes()), Ok(()));
    let too_deep = nested(strict::MAX_DEPTH + 1);
    assert_eq!(judge_payload(too_deep.as_bytes()), Err(TokenError::Json));
    assert_eq!(judge_payload(nested(1500).as_bytes()), Err(TokenError::Json));
}

#[test]
fn r126_anything_but_one_json_object_is_refused() {
    let good = good_claims().to_string();
    let texts = [
        String::new(),
        "null".to_owned(),
        "1".to_owned(),
        format!("[{good}]"),
        format!("\"{}\"", compact::encode(good.as_bytes())),
        format!("{good}{good}"),
        format!("{good} x"),
        format!("\u{feff}{good}"),
        good[..good.len() - 1].to_owned(),
        good.replace("\"account\"", "\"\\ud800\""),
        good.replace('{', "{/* comment */"),
    ];
    for text in texts {
        assert_eq!(judge_payload(text.as_bytes()), Err(TokenError::Json), "{text}");
        assert_eq!(judge_header_text(&text), Err(TokenError::Json), "{text}");
    }
}

#[test]
fn r126_claims_that_are_not_utf8_are_refused() {
    let mut claims = good_claims().to_string().replace("account", "acc@unt").into_bytes();
    let position = claims.iter().position(|&byte| byte == b'@').expect("it is there");
    claims[position] = 0xff;
    assert_eq!(judge_payload(&claims), Err(TokenError::Json));
}

#[test]
fn r131_an_empty_or_shortened_signature_is_refused() {
    let (header, payload, _) = parts();
    let whole = good_token();
    let raw = compact::decode(whole.rsplit('.').next().expect("it has segments")).expect("it is base64url");
    for length in [0, 1, 32, 63] {
        let token = format!("{header}.{payload}.{}", compact::encode(&raw[..length]));
        assert_eq!(judge(&token), Err(TokenError::Signature), "{length} bytes");
    }
    let longer = compact::encode(&[&raw[..], &[0]].concat());
    assert_eq!(judge(&format!("{header}.{payload}.{longer}")), Err(TokenError::Signature));
}

#[test]
fn claims_are_not_judged_before_the_signature() {
    let (header, _, signature) = parts();
    let nonsense = compact::encode(b"not JSON");
    let token = format!("{header}.{nonsense}.{signature}");
    assert_eq!(judge(&token), Err(TokenError::Signature));
}
