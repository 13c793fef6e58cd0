//! Hashes of `crypt(3)`: SHA-crypt of Unix, and the portable hash of phpass (`WordPress`, `phpBB`).

use std::sync::LazyLock;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::{BitOrder, Encoding, Specification};
use md5::{Digest, Md5};
use sha_crypt::{PasswordVerifier, ShaCrypt};

use super::fields::number;
use super::scheme::ForeignHash;

/// A stored SHA-256-crypt or SHA-512-crypt hash.
#[derive(Debug)]
pub struct ShaCryptHash {
    rounds: u32,
    text: String,
}

impl ShaCryptHash {
    /// Most work, about a second.
    const ROUNDS_MAX: u32 = 700_000;
    /// `crypt(3)` takes no longer password, and the work grows with it.
    const PASSWORD_BYTES_MAX: usize = 512;

    /// Reads `$6$rounds=656000$salt$output`, the rounds being 5,000 when they are left out, and the same with `$5$`.
    pub fn parse(text: &str) -> Option<Self> {
        let output_length = if text.starts_with("$6$") { 86 } else { 43 };
        let mut fields = text.strip_prefix("$6$").or_else(|| text.strip_prefix("$5$"))?.split('$').peekable();
        let rounds = match fields.next_if(|field| field.starts_with("rounds=")) {
            Some(field) => number(field.strip_prefix("rounds=")?)?,
            None => 5000,
        };
        let (salt, output) = (fields.next()?, fields.next()?);
        let known = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/');
        let sound = (1000..=999_999_999).contains(&rounds)
            && (1..=16).contains(&salt.len())
            && known(salt)
            && output.len() == output_length
            && known(output);
        (sound && fields.next().is_none()).then(|| Self { rounds, text: text.to_owned() })
    }
}

impl ForeignHash for ShaCryptHash {
    fn is_affordable(&self) -> bool {
        self.rounds <= Self::ROUNDS_MAX
    }

    fn verify(&self, password: &[u8]) -> bool {
        password.len() <= Self::PASSWORD_BYTES_MAX && ShaCrypt::default().verify_password(password, &*self.text).is_ok()
    }
}

/// The digits of `crypt(3)`, by their value.
const DIGITS: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static BASE64: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(DIGITS);
    specification.bit_order = BitOrder::LeastSignificantFirst;
    specification.encoding().expect("these are 64 different signs")
});

/// A stored hash of phpass.
#[derive(Debug)]
pub struct PhpassHash {
    log_rounds: u32,
    salt: [u8; 8],
    output: [u8; 16],
}

impl PhpassHash {
    /// Most work, about a tenth of a second.
    const LOG_ROUNDS_MAX: u32 = 18;

    /// Reads `$P$B...` and `$H$9...`: one sign for the rounds, eight of salt, 22 of output.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$P$").or_else(|| text.strip_prefix("$H$"))?.as_bytes();
        let (rounds, rest) = rest.split_first()?;
        let (salt, output) = rest.split_first_chunk()?;
        let log_rounds = DIGITS.bytes().position(|digit| digit == *rounds).and_then(|place| u32::try_from(place).ok())?;
        let output = BASE64.decode(output).ok()?.try_into().ok()?;
        (7..31).contains(&log_rounds).then_some(Self { log_rounds, salt: *salt, output })
    }
}

impl ForeignHash for PhpassHash {
    fn is_affordable(&self) -> bool {
        self.log_rounds <= Self::LOG_ROUNDS_MAX
    }

    fn verify(&self, password: &[u8]) -> bool {
        let mut output = Md5::new().chain_update(self.salt).chain_update(password).finalize();
        for _ in 0..1_u32 << self.log_rounds {
            output = Md5::new().chain_update(output).chain_update(password).finalize();
        }
        verify_slices_are_equal(&output, &self.output).is_ok()
    }
}
