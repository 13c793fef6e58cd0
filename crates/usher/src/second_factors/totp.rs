//! Codes of an authenticator app (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds by our clock. That is what every app
//! speaks; what is broken about SHA-1 does not touch an HMAC.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use url::Url;

use crate::config::PublicUrl;

/// 160 bits, as RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
/// Digits of a code.
pub const DIGITS: usize = 6;
const STEP_SECONDS: i64 = 30;

/// The step that a moment is in.
pub fn step(at: Timestamp) -> i64 {
    at.as_second().div_euclid(STEP_SECONDS)
}

/// The code of a step (RFC 4226, section 5.3).
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[mac.len() - 1] & 0x0f);
    let truncated = u32::from_be_bytes([mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]]);
    format!("{:06}", truncated % 1_000_000)
}

/// The latest step whose code this is, of those that are at most `drift` away from now. All are compared, in constant time.
pub fn find_step(secret: &[u8], presented: &str, now: Timestamp, drift: u32) -> Option<i64> {
    let (here, drift) = (step(now), i64::from(drift));
    let is_of = |step: &i64| verify_slices_are_equal(code(secret, *step).as_bytes(), presented.as_bytes()).is_ok();
    (here - drift..=here + drift).filter(is_of).max()
}

/// A secret as people type it into an app.
pub fn text(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// What an app reads from the picture: the secret, and what to call it.
pub fn uri(secret: &[u8], site: &PublicUrl, account: &str) -> String {
    let issuer = site.url().host_str().unwrap_or("usher");
    let mut uri = Url::parse("otpauth://totp/").expect("this is a URL");
    if let Ok(mut path) = uri.path_segments_mut() {
        path.pop_if_empty().push(&format!("{issuer}:{account}"));
    }
    uri.query_pairs_mut()
        .append_pair("secret", &text(secret))
        .append_pair("issuer", issuer)
        .append_pair("algorithm", "SHA1")
        .append_pair("digits", "6")
        .append_pair("period", "30");
    uri.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the vectors of RFC 4226 and RFC 6238.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn r060_codes_are_those_of_the_rfcs() {
        let first = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, expected) in (0..).zip(first) {
            assert_eq!(code(SECRET, step), expected);
        }
        // RFC 6238, appendix B, has eight digits; these are the last six.
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, step(at(second))), expected);
        }
    }

    #[test]
    fn r060_a_code_counts_within_the_drift_and_not_beyond() {
        for away in -3..=3 {
            let presented = code(SECRET, 1000 + away);
            for drift in 0..=2 {
                let expected = (away.abs() <= i64::from(drift)).then_some(1000 + away);
                assert_eq!(find_step(SECRET, &presented, at(30_000), drift), expected, "{away} {drift}");
                assert_eq!(find_step(SECRET, &presented, at(30_029), drift), expected, "the same step");
            }
        }
        for wrong in ["", "0", "00000", "0000000", "abcdef", "\u{661}\u{661}\u{661}"] {
            assert_eq!(find_step(SECRET, wrong, at(30_000), 2), None);
        }
    }

    #[test]
    fn an_app_reads_the_secret_from_the_uri() {
        let site = PublicUrl::parse("https://id.example.com:8443").unwrap();
        let uri = uri(SECRET, &site, "ann?&#/x");
        let expected = "otpauth://totp/id.example.com:ann%3F&%23%2Fx?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=id.example.com\
                        &algorithm=SHA1&digits=6&period=30";
        assert_eq!(uri, expected);
        assert_eq!(text(&[0xff; SECRET_BYTES]), "7".repeat(32));
    }
}
