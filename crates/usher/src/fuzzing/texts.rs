//! Texts with a form of their own: addresses, names, filters, ids, hashes, colours, languages.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
use usher_oidc::filter;

use super::text;
use crate::brand::{Color, DARK, LIGHT};
use crate::emails::EmailAddress;
use crate::formats as forms;
use crate::hashing::{self, Cost, Hasher};
use crate::http::body;
use crate::id::UserId;
use crate::languages::Language;
use crate::network::Network;
use crate::second_factors;
use crate::secret::{Purpose, SecretText, bearer_hash};
use crate::users::{Username, escape_pattern};

/// In a stored hash of the least cost: the fuzzer wants thousands of tries a second.
const CHEAP: &str = "$m=8,t=1,p=1$";

pub(super) fn address(data: &[u8]) {
    let Ok(address) = EmailAddress::parse(&text(data)) else { return };
    for shown in [address.as_str(), address.normal()] {
        assert!((3..=254).contains(&shown.len()), "{shown:?} is too long to be written to");
        assert!(!shown.chars().any(|c| c.is_control() || c.is_whitespace()), "{shown:?} breaks a line");
    }
    let again = EmailAddress::parse(address.as_str());
    assert_eq!(again.as_ref(), Ok(&address), "what was accepted reads as something else");
    let normal = EmailAddress::parse(address.normal()).expect("a normal form is an address");
    assert_eq!(normal.normal(), address.normal(), "normalising twice is normalising once");
}

pub(super) fn recovery_code(data: &[u8]) {
    let Some(code) = second_factors::normal_code(&text(data)) else { return };
    assert_eq!(code.reveal().len(), 24, "a code has 120 bits");
    let again = second_factors::normal_code(code.reveal()).expect("a normal form is a code");
    assert_eq!(again.reveal(), code.reveal(), "normalising twice is normalising once");
}

pub(super) fn username(data: &[u8]) {
    let text = text(data);
    let by_rule = Username::parse(&text).is_ok();
    let json = serde_json::Value::from(text.as_ref()).to_string();
    let by_schema = body::parse::<Username>(json.as_bytes()).is_ok();
    assert_eq!(by_rule, by_schema, "the parser and the schema disagree on {text:?}");
}

pub(super) fn formats(data: &[u8]) {
    let text = text(data);
    for (name, parse) in [
        (forms::LINE, forms::line as fn(&str) -> Option<String>),
        (forms::PARAGRAPHS, forms::paragraphs),
        (forms::WEB_URL, forms::web_url),
        (forms::TIME_ZONE, forms::time_zone),
    ] {
        let Some(parsed) = parse(&text) else { continue };
        assert_eq!(parse(&parsed).as_ref(), Some(&parsed), "{name} is not stable");
    }
}

pub(super) fn like_pattern(data: &[u8]) {
    let text = text(data);
    let pattern = escape_pattern(&text);
    let mut signs = pattern.chars();
    let mut meant = String::new();
    while let Some(sign) = signs.next() {
        assert!(!"%_".contains(sign), "{pattern:?} fits more than {text:?}");
        meant.push(if sign == '\\' {
            signs.next().expect("PostgreSQL refuses a pattern that ends in a backslash")
        } else {
            sign
        });
    }
    assert_eq!(meant, text, "the pattern fits another text");
}

pub(super) fn filter(data: &[u8]) {
    let text = text(data);
    match filter::parse(&text) {
        Ok(filter) => {
            let printed = filter.to_string();
            assert!(printed.len() <= text.len(), "the canonical form is longer than what was read");
            assert_eq!(filter::parse(&printed), Ok(filter), "what was accepted reads as something else");
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column), "{error} is beside the filter");
            assert!(error.to_string().len() < 1024, "the sentence repeats too much");
        }
    }
}

pub(super) fn ids(data: &[u8]) {
    let text = text(data);
    if let Ok(id) = text.parse::<UserId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase(), "an id has one spelling");
    }
    let secret = SecretText::new(text.into_owned());
    let purposes = [
        Purpose::Setup,
        Purpose::VerifyEmail,
        Purpose::ResetPassword,
        Purpose::SetPassword,
        Purpose::Refresh,
        Purpose::Device,
        Purpose::ReportSignIn,
        Purpose::ConfirmEmail,
        Purpose::UndoDeletion,
        Purpose::ApiKey,
        Purpose::Browser,
        Purpose::PendingSignIn,
        Purpose::Form,
        Purpose::Invitation,
        Purpose::PasskeyCeremony,
    ];
    let fitting = purposes.into_iter().filter(|purpose| bearer_hash(*purpose, &secret).is_some()).count();
    assert!(fitting <= 1, "a bearer secret is for one purpose");
}

pub(super) fn color(data: &[u8]) {
    let text = text(data);
    let Some(color) = Color::parse(&text) else { return };
    assert_eq!(color.to_string(), text.to_ascii_lowercase(), "a colour has one spelling");
    assert_eq!(Color::parse(&color.to_string()), Some(color), "what was accepted reads as something else");
    for scheme in [LIGHT, DARK] {
        let contrast = scheme.contrast(color);
        assert!((0.999..21.001).contains(&contrast), "{text}: no contrast is {contrast}");
    }
}

/// `Accept-Language`.
pub(super) fn languages(data: &[u8]) {
    let text = text(data);
    let Some(language) = Language::accepted(&text) else { return };
    assert!(text.to_ascii_lowercase().contains(&language.tag().to_ascii_lowercase()), "{language:?} stands nowhere");
    for more in ["", "xx", "*", "en;q=0", "de;q=nonsense"] {
        assert_eq!(Language::accepted(&format!("{text},{more}")), Some(language), "{more:?} asks for no other language");
    }
}

/// A stored hash comes from an import, so it is input too.
pub(super) fn password_hash(data: &[u8]) {
    static HASHER: OnceLock<(Hasher, Runtime)> = OnceLock::new();
    let (hasher, runtime) = HASHER.get_or_init(|| {
        let hasher = Hasher::start(Cost { memory_kib: 8, passes: 1 }, 1, 8);
        (hasher, Builder::new_current_thread().build().expect("a runtime without input and output starts"))
    });
    let text = text(data);
    let scheme = hashing::recognise(&text);
    let _known_without_a_panic = hasher.is_outdated(&text);
    // What nobody knows costs one dummy; of what is known, only what is cheap is computed here.
    if scheme.is_some() && !text.contains(CHEAP) {
        return;
    }
    let guess = SecretText::new("correct horse battery".to_owned());
    let right = runtime.block_on(hasher.verify(&guess, Some(&text), Network::of(None)));
    assert_ne!(right.ok(), Some(true), "a malformed hash fits a password");
}
