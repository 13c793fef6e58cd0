//! PBKDF2 (RFC 8018) as passlib, Django and others store it.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};

use super::fields::{OUTPUT_BYTES, SALT_BYTES_MAX, base64, number, parameters, split};
use super::scheme::ForeignHash;

/// A stored PBKDF2 hash.
#[derive(Debug)]
pub struct Pbkdf2Hash {
    digest: Digest,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha1 => PBKDF2_HMAC_SHA1,
            Self::Sha256 => PBKDF2_HMAC_SHA256,
            Self::Sha512 => PBKDF2_HMAC_SHA512,
        }
    }

    fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Pbkdf2Hash {
    /// Most work: iterations times blocks of output, about two seconds.
    const WORK_MAX: usize = 4_000_000;

    /// Reads `$pbkdf2-sha256$29000$salt$output` of passlib and `$pbkdf2-sha256$i=600000,l=32$salt$output` of the PHC format. The
    /// base64 of passlib has `.` in place of `+`.
    pub fn parse(text: &str) -> Option<Self> {
        let ["", name, cost, salt, output] = split(text)? else { return None };
        let digest = match name {
            "pbkdf2" | "pbkdf2-sha1" => Digest::Sha1,
            "pbkdf2-sha256" => Digest::Sha256,
            "pbkdf2-sha512" => Digest::Sha512,
            _ => return None,
        };
        let output = base64(&output.replace('.', "+"))?;
        let iterations = if let Some(iterations) = number(cost) {
            iterations
        } else {
            let [iterations, length] = parameters(cost, ["i", "l"])?;
            if length.is_some_and(|length| number(length) != Some(output.len())) {
                return None;
            }
            number(iterations?)?
        };
        Self::new(digest, iterations, base64(&salt.replace('.', "+"))?, output)
    }

    /// Reads `pbkdf2_sha256$600000$salt$output` of Django; the salt is the text itself.
    pub fn parse_django(text: &str) -> Option<Self> {
        let [name, iterations, salt, output] = split(text)?;
        let digest = match name {
            "pbkdf2_sha1" => Digest::Sha1,
            "pbkdf2_sha256" => Digest::Sha256,
            _ => return None,
        };
        Self::new(digest, number(iterations)?, salt.as_bytes().to_vec(), base64(output)?)
    }

    fn new(digest: Digest, iterations: NonZeroU32, salt: Vec<u8>, output: Vec<u8>) -> Option<Self> {
        let sound = salt.len() <= SALT_BYTES_MAX && OUTPUT_BYTES.contains(&output.len());
        sound.then_some(Self { digest, iterations, salt, output })
    }
}

impl ForeignHash for Pbkdf2Hash {
    fn is_affordable(&self) -> bool {
        let blocks = self.output.len().div_ceil(self.digest.output_bytes());
        usize::try_from(self.iterations.get()).is_ok_and(|iterations| iterations <= Self::WORK_MAX / blocks)
    }

    fn verify(&self, password: &[u8]) -> bool {
        pbkdf2::verify(self.digest.algorithm(), self.iterations, &self.salt, password, &self.output).is_ok()
    }
}
