//! scrypt (RFC 7914) as passlib and Django store it, and the variant of Firebase.

use ::scrypt::{Params, scrypt};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::fields::{OUTPUT_BYTES, SALT_BYTES_MAX, base64, number, parameters, split};
use super::scheme::ForeignHash;

/// What an scrypt hash costs.
#[derive(Debug)]
struct Cost {
    log_n: u8,
    block_size: u32,
    lanes: u32,
}

impl Cost {
    /// Most memory that is spent on one hash.
    const MEMORY_KIB_MAX: u64 = 256 * 1024;
    /// Most work: blocks written, about a second.
    const WORK_MAX: u64 = 1 << 22;

    /// Within what RFC 7914 allows, and small enough that no product of the three is too large.
    fn new(log_n: u8, block_size: u32, lanes: u32) -> Option<Self> {
        let sound = (1..32).contains(&log_n) && (1..=1024).contains(&block_size) && (1..=1024).contains(&lanes);
        (sound && Params::new(log_n, block_size, lanes).is_ok()).then_some(Self { log_n, block_size, lanes })
    }

    fn memory_kib(&self) -> u64 {
        let blocks = (1_u64 << self.log_n) + u64::from(self.lanes) + 1;
        (128 * u64::from(self.block_size) * blocks).div_ceil(1024)
    }

    fn is_affordable(&self) -> bool {
        let work = (u64::from(self.block_size) * u64::from(self.lanes)) << self.log_n;
        self.memory_kib() <= Self::MEMORY_KIB_MAX && work <= Self::WORK_MAX
    }

    fn derive(&self, password: &[u8], salt: &[u8], output: &mut [u8]) -> bool {
        let params = Params::new(self.log_n, self.block_size, self.lanes);
        params.is_ok_and(|params| scrypt(password, salt, &params, output).is_ok())
    }
}

/// A stored scrypt hash.
#[derive(Debug)]
pub struct ScryptHash {
    cost: Cost,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl ScryptHash {
    /// Reads `$scrypt$ln=16,r=8,p=1$salt$output`.
    pub fn parse(text: &str) -> Option<Self> {
        let ["", "scrypt", cost, salt, output] = split(text)? else { return None };
        let [log_n, block_size, lanes] = parameters(cost, ["ln", "r", "p"])?;
        let cost = Cost::new(number(log_n?)?, number(block_size?)?, number(lanes?)?)?;
        Self::new(cost, base64(salt)?, base64(output)?)
    }

    /// Reads `scrypt$N$salt$r$p$output` of Django; the salt is the text itself.
    pub fn parse_django(text: &str) -> Option<Self> {
        let ["scrypt", n, salt, block_size, lanes, output] = split(text)? else { return None };
        let n: u32 = number(n)?;
        let log_n = n.is_power_of_two().then(|| n.trailing_zeros())?;
        let cost = Cost::new(u8::try_from(log_n).ok()?, number(block_size)?, number(lanes)?)?;
        Self::new(cost, salt.as_bytes().to_vec(), base64(output)?)
    }

    fn new(cost: Cost, salt: Vec<u8>, output: Vec<u8>) -> Option<Self> {
        let sound = salt.len() <= SALT_BYTES_MAX && OUTPUT_BYTES.contains(&output.len());
        sound.then_some(Self { cost, salt, output })
    }
}

impl ForeignHash for ScryptHash {
    fn is_affordable(&self) -> bool {
        self.cost.is_affordable()
    }

    fn memory_kib(&self) -> u64 {
        self.cost.memory_kib()
    }

    fn verify(&self, password: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        self.cost.derive(password, &self.salt, &mut output) && verify_slices_are_equal(&output, &self.output).is_ok()
    }
}

/// A password hash exported from Firebase Authentication. What is stored is the project's signer key, encrypted (AES-256-CTR)
/// under a key that scrypt makes of the password.
#[derive(Debug)]
pub struct FirebaseHash {
    cost: Cost,
    salt: Vec<u8>,
    signer_key: Zeroizing<Vec<u8>>,
    output: Vec<u8>,
}

impl FirebaseHash {
    /// Reads `$firebase-scrypt$ln=14,r=8,ss=Bw==,sk=...$salt$output`, a form of ours. `ln` is the project's `mem_cost`, `r` its
    /// `rounds`, `ss` its `base64_salt_separator`, `sk` its `base64_signer_key`; `salt` and `output` are the user's `salt` and
    /// `passwordHash`.
    pub fn parse(text: &str) -> Option<Self> {
        let ["", "firebase-scrypt", values, salt, output] = split(text)? else { return None };
        let [log_n, block_size, separator, signer_key] = parameters(values, ["ln", "r", "ss", "sk"])?;
        let cost = Cost::new(number(log_n?)?, number(block_size?)?, 1)?;
        let mut salt = web_base64(salt)?;
        salt.extend(web_base64(separator?)?);
        let signer_key = Zeroizing::new(web_base64(signer_key?)?);
        let output = web_base64(output)?;
        let sound = salt.len() <= SALT_BYTES_MAX && OUTPUT_BYTES.contains(&output.len()) && output.len() == signer_key.len();
        sound.then_some(Self { cost, salt, signer_key, output })
    }
}

impl ForeignHash for FirebaseHash {
    fn is_affordable(&self) -> bool {
        self.cost.is_affordable()
    }

    fn memory_kib(&self) -> u64 {
        self.cost.memory_kib()
    }

    fn verify(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; 32]);
        if !self.cost.derive(password, &self.salt, key.as_mut_slice()) {
            return false;
        }
        let mut output = self.signer_key.to_vec();
        let cipher = UnboundCipherKey::new(&AES_256, key.as_slice()).and_then(EncryptingKey::ctr);
        let encrypted = cipher.and_then(|cipher| cipher.less_safe_encrypt(&mut output, EncryptionContext::Iv128([0; 16].into())));
        encrypted.is_ok() && verify_slices_are_equal(&output, &self.output).is_ok()
    }
}

/// Firebase writes the URL-safe alphabet in some places.
fn web_base64(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('-', "+").replace('_', "/"))
}
