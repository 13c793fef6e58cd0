//! One address, parsed once. Inside the house a bad one can't exist.

use std::str::FromStr;

use email_address::Options;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::faults::{self, Fault};

/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const BYTES_MAX: usize = 254;

/// An address that mail can be sent to, and its normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    text: String,
    normal: String,
}

impl EmailAddress {
    /// Parses an address (RFC 5322 `addr-spec`, without comments or address literals).
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text: String = text.nfc().collect();
        if !is_plain(&text) {
            return Err("must have at most 254 bytes, and no spaces or control characters");
        }
        let parsed = read(&text).ok_or(NO_ADDRESS)?;
        let domain = idna::domain_to_ascii_strict(parsed.domain()).map_err(|_| "must have a valid domain after the @")?;
        let local = fold(parsed.local_part());
        let normal = format!("{local}@{domain}");
        let text = format!("{}@{domain}", parsed.local_part());
        // Folding lengthens some letters and makes a space or an `@` of others. What comes of that is nobody's address.
        if fold(&local) != local || [&text, &normal].into_iter().any(|text| !is_plain(text) || read(text).is_none()) {
            return Err(NO_ADDRESS);
        }
        let normal = if faults::planted(Fault::Spelling) { text.clone() } else { normal };
        Ok(Self { text, normal })
    }

    /// Where mail goes: the local part as written, the domain in A-labels.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identity key: equal for all spellings of one address.
    pub fn normal(&self) -> &str {
        &self.normal
    }
}

const NO_ADDRESS: &str = "must be an e-mail address, such as ann@example.com";

fn is_plain(text: &str) -> bool {
    text.len() <= BYTES_MAX && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn read(text: &str) -> Option<email_address::EmailAddress> {
    let options = Options::default().without_display_text().without_domain_literal().with_required_tld();
    let parsed = email_address::EmailAddress::parse_with_options(text, options);
    // `user@localhost` is of use on a developer's machine, and mail to it goes nowhere else.
    parsed.ok().or_else(|| text.ends_with("@localhost").then(|| email_address::EmailAddress::from_str(text).ok())?)
}

/// Folds case and compatibility forms until nothing changes any more, so that folding twice is folding once.
fn fold(text: &str) -> String {
    let mut folded = text.to_owned();
    for _ in 0..4 {
        let next: String = folded.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl JsonSchema for EmailAddress {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EmailAddress".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "minLength": 3, "maxLength": 254, "example": "ann@example.com" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> String {
        EmailAddress::parse(text).unwrap().normal().to_owned()
    }

    #[test]
    fn spellings_of_one_address_share_their_normal_form() {
        for spelling in ["Ann@Example.COM", "ann@EXAMPLE.com", "ＡＮＮ@example.com"] {
            assert_eq!(normal(spelling), "ann@example.com");
        }
        assert_eq!(normal("jos\u{e9}@example.com"), normal("jose\u{301}@example.com"));
        assert_eq!(normal("ann@b\u{fc}cher.example"), "ann@xn--bcher-kva.example");
        assert_eq!(normal("dev@localhost"), "dev@localhost");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@nodots",
            "a b@example.com",
            "ann@example.com\r\nBcc: x@y.z",
            "Ann <ann@example.com>",
            "ann@[127.0.0.1]",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?} was accepted");
        }
        assert!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(250))).is_err());
    }

    /// Found by the fuzzer: a full-width `@`, an accent that folds to a space, and letters that grow when folded.
    #[test]
    fn r287_an_address_whose_normal_form_is_none_is_refused() {
        for text in ["a\u{ff20}b@example.com", "a\u{a8}@example.com", &format!("{}@example.com", "\u{fdfa}".repeat(20))] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(local in "\\PC{1,20}", domain in "[a-zA-Z0-9]{1,10}\\.[a-zA-Z]{2,5}") {
            if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
                let again = EmailAddress::parse(address.normal());
                if let Ok(again) = again {
                    prop_assert_eq!(again.normal(), address.normal());
                }
            }
        }
    }
}
