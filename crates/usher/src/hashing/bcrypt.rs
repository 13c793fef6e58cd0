//! bcrypt, also behind the SHA-256 that Django may put before it.

use ::bcrypt::bcrypt;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::fields::{number, split};
use super::scheme::ForeignHash;

/// The salt of some programs has bits set beyond its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// All that bcrypt looks at.
const PASSWORD_BYTES_MAX: usize = 72;

/// A stored bcrypt hash.
#[derive(Debug)]
pub struct BcryptHash {
    log_rounds: u32,
    salt: [u8; 16],
    output: [u8; 23],
    /// The password was replaced by the hexadecimal digits of its SHA-256.
    digested: bool,
}

impl BcryptHash {
    /// Most work, about a second.
    const LOG_ROUNDS_MAX: u32 = 14;

    /// Reads `$2b$12$...`, also behind the `bcrypt$` of Django. The variants 2a, 2b and 2y are the same function by now; 2x is a
    /// mistake of old PHP and is not verified.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_as(text.strip_prefix("bcrypt$").unwrap_or(text), false)
    }

    /// Reads `bcrypt_sha256$$2b$12$...` of Django.
    pub fn parse_django_sha256(text: &str) -> Option<Self> {
        Self::parse_as(text.strip_prefix("bcrypt_sha256$")?, true)
    }

    fn parse_as(text: &str, digested: bool) -> Option<Self> {
        let ["", "2a" | "2b" | "2y", cost, rest] = split(text)? else { return None };
        let log_rounds = number(cost.strip_prefix('0').unwrap_or(cost))?;
        let (salt, output) = rest.split_at_checked(22)?;
        let salt = BASE64.decode(salt).ok()?.try_into().ok()?;
        let output = BASE64.decode(output).ok()?.try_into().ok()?;
        let sound = cost.len() == 2 && (4..32).contains(&log_rounds);
        sound.then_some(Self { log_rounds, salt, output, digested })
    }
}

impl ForeignHash for BcryptHash {
    fn is_affordable(&self) -> bool {
        self.log_rounds <= Self::LOG_ROUNDS_MAX
    }

    /// Of a password of more than 72 bytes the first 72 count, as in the program that made the hash.
    fn verify(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new(if self.digested {
            let digest = digest::digest(&digest::SHA256, password);
            digest.as_ref().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
        } else {
            password[..password.len().min(PASSWORD_BYTES_MAX)].to_vec()
        });
        if key.len() < PASSWORD_BYTES_MAX {
            key.push(0);
        }
        verify_slices_are_equal(&bcrypt(self.log_rounds, self.salt, &key)[..self.output.len()], &self.output).is_ok()
    }
}
