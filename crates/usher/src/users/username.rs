//! User names: public handles that are safe in a URL, unique whatever their case.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::random_bytes;

/// 3 to 64 letters, digits, dots, dashes and underscores (ASCII), beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("example" = "calm-otter-7f3k"))]
pub struct Username(#[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$"), length(min = 3, max = 64))] String);

const ADJECTIVES: [&str; 32] = [
    "amber", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cosy", "crisp", "deft", "eager", "early", "fair",
    "fleet", "fresh", "gentle", "glad", "golden", "keen", "kind", "lively", "lucky", "mellow", "merry", "noble", "quick",
    "quiet", "silver", "steady", "sunny", "warm",
];
const ANIMALS: [&str; 32] = [
    "badger", "beaver", "bison", "crane", "curlew", "deer", "dolphin", "falcon", "finch", "fox", "gecko", "hare", "heron",
    "ibis", "kestrel", "koala", "lark", "lynx", "marten", "newt", "otter", "owl", "panda", "plover", "puffin", "robin", "seal",
    "stork", "swift", "tern", "wombat", "wren",
];
/// Crockford's alphabet: nothing that reads like something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Username {
    /// A pseudonym that says nothing of the person: `calm-otter-7f3k9x`.
    pub fn generate() -> Self {
        let random = random_bytes::<8>();
        let pick = |words: &[&'static str; 32], byte: u8| words[usize::from(byte % 32)];
        let tail: String = random[2..].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        Self(format!("{}-{}-{tail}", pick(&ADJECTIVES, random[0]), pick(&ANIMALS, random[1])))
    }

    /// For text that has passed the schema already, such as an argument of the command line.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (3..=64).contains(&text.len()) && text.bytes().all(inner) && text.as_bytes()[0].is_ascii_alphanumeric();
        fits.then(|| Self(text.to_owned())).ok_or("must have 3 to 64 letters, digits, dots, dashes or underscores")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names_are_valid_and_differ() {
        let names: std::collections::HashSet<_> = (0..1000).map(|_| Username::generate().0).collect();
        assert!(names.len() > 995);
        for name in names {
            assert!(Username::parse(&name).is_ok(), "{name}");
        }
        for bad in ["", "ab", "-ann", "ann baker", "ann/baker", "änn", &"a".repeat(65)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }
}
