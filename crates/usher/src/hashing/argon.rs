//! Argon2 (RFC 9106). The policy's Argon2id with one lane is computed by `argon2-rust`, which is about three times as fast as
//! `RustCrypto`'s `argon2` but has not been audited. So `RustCrypto`'s is the judge: known answers are computed at the start, and if
//! one is wrong `RustCrypto`'s does all the work. It verifies imported hashes of other kinds in any case.

use std::sync::OnceLock;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use argon2_rust as fast;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::fields::{OUTPUT_BYTES, SALT_BYTES_MAX, base64, number, parameters};
use super::pepper::KeyId;

/// Cost of a hash. The lanes are always one: our threads are the parallelism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Cost {
    /// The floor of R-008 (OWASP Password Storage).
    pub const POLICY: Self = Self { memory_kib: 19_456, passes: 2 };
    /// As cheap as the algorithm allows, for tests of everything but hashing.
    #[cfg(test)]
    pub const CHEAP: Self = Self { memory_kib: 8, passes: 1 };
}

/// Which library computes Argon2id with one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `argon2-rust`.
    Fast,
    /// `RustCrypto`'s `argon2`.
    Careful,
}

impl Engine {
    /// The fast one, if its answers are right on this machine.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Engine> = OnceLock::new();
        *CHOSEN.get_or_init(|| Self::judged_by(&KNOWN_ANSWERS))
    }

    fn judged_by(answers: &[KnownAnswer]) -> Self {
        let mut arena = Arena::new(Self::Fast);
        if answers.iter().all(|answer| answer.is_given_by(&mut arena)) {
            return Self::Fast;
        }
        tracing::error!("the fast Argon2id gave a wrong answer on this machine: hashing with the slower one");
        Self::Careful
    }
}

/// Memory to compute Argon2id in; it grows to the largest cost it has seen.
pub enum Arena {
    Fast(Box<Option<fast::Hasher>>),
    Careful(Vec<Block>),
}

impl Arena {
    pub fn new(engine: Engine) -> Self {
        match engine {
            Engine::Fast => Self::Fast(Box::new(None)),
            Engine::Careful => Self::Careful(Vec::new()),
        }
    }

    /// Argon2id, version 19, one lane. `false` when the cost or a length is beyond what Argon2 takes.
    pub fn argon2id(&mut self, cost: Cost, password: &[u8], salt: &[u8], output: &mut [u8]) -> bool {
        match self {
            Self::Fast(hasher) => {
                let memory = fast::params::Memory::kib(cost.memory_kib.into());
                let tag_len = fast::params::TagLen::bytes(output.len() as u64);
                let params = fast::Params::builder().memory(memory).passes(cost.passes).lanes(1).tag_len(tag_len).build();
                let Ok(params) = params else { return false };
                let argon2 = fast::Argon2::new(fast::Algorithm::Argon2id, fast::Version::V0x13, params);
                let hasher = hasher.get_or_insert_with(|| argon2.hasher());
                hasher.set_argon2(argon2);
                hasher.hash_into(password, salt, output).is_ok()
            }
            Self::Careful(memory) => {
                let Ok(params) = Params::new(cost.memory_kib, cost.passes, 1, Some(output.len())) else { return false };
                let blocks = params.block_count();
                if memory.len() < blocks {
                    memory.resize(blocks, Block::default());
                }
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                argon2.hash_password_into_with_memory(password, salt, output, &mut memory[..blocks]).is_ok()
            }
        }
    }
}

/// A stored Argon2 hash.
#[derive(Debug)]
pub struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    cost: Cost,
    lanes: u32,
    key_id: Option<KeyId>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    /// Most memory that is spent on one hash.
    const MEMORY_KIB_MAX: u32 = 256 * 1024;
    const LANES_MAX: u32 = 64;
    /// Most work: memory times passes, about a second.
    const WORK_KIB_MAX: u64 = 2 * 1024 * 1024;

    /// A hash of ours.
    pub fn new(cost: Cost, key_id: Option<KeyId>, salt: Vec<u8>, output: Vec<u8>) -> Self {
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, cost, lanes: 1, key_id, salt, output }
    }

    /// Reads `$argon2id$v=19$m=19456,t=2,p=1$salt$output`, also as Django stores it, with `argon2` in front. A hash of version 16
    /// may leave the version out.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("argon2").unwrap_or(text).strip_prefix('$')?.split('$').peekable();
        let algorithm = Algorithm::new(fields.next()?).ok()?;
        let version = match fields.next_if(|field| field.starts_with("v=")) {
            None | Some("v=16") => Version::V0x10,
            Some("v=19") => Version::V0x13,
            Some(_) => return None,
        };
        let [memory_kib, passes, lanes, key_id] = parameters(fields.next()?, ["m", "t", "p", "keyid"])?;
        let key_id = match key_id {
            Some(id) => Some(base64(id)?.try_into().ok()?),
            None => None,
        };
        let (salt, output) = (base64(fields.next()?)?, base64(fields.next()?)?);
        let cost = Cost { memory_kib: number(memory_kib?)?, passes: number(passes?)? };
        let lanes = number(lanes?)?;
        Params::new(cost.memory_kib, cost.passes, lanes, Some(output.len())).ok()?;
        let sound = (8..=SALT_BYTES_MAX).contains(&salt.len()) && OUTPUT_BYTES.contains(&output.len());
        (sound && fields.next().is_none()).then_some(Self { algorithm, version, cost, lanes, key_id, salt, output })
    }

    pub fn is_affordable(&self) -> bool {
        self.cost.memory_kib <= Self::MEMORY_KIB_MAX
            && self.lanes <= Self::LANES_MAX
            && u64::from(self.cost.memory_kib) * u64::from(self.cost.passes) <= Self::WORK_KIB_MAX
    }

    pub fn memory_kib(&self) -> u32 {
        self.cost.memory_kib
    }

    pub fn key_id(&self) -> Option<KeyId> {
        self.key_id
    }

    /// Whether an [`Arena`] can compute it.
    pub fn is_plain(&self) -> bool {
        self.algorithm == Algorithm::Argon2id && self.version == Version::V0x13 && self.lanes == 1
    }

    /// Whether it is all that a hash under this policy would be, or more.
    pub fn is_worth(&self, policy: Cost) -> bool {
        let enough = self.cost.memory_kib >= policy.memory_kib && self.cost.passes >= policy.passes;
        self.is_plain() && enough && self.salt.len() >= 16 && self.output.len() >= 32
    }

    /// Verifies a plain hash.
    pub fn verify_in(&self, arena: &mut Arena, password: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        arena.argon2id(self.cost, password, &self.salt, &mut output) && verify_slices_are_equal(&output, &self.output).is_ok()
    }

    /// Verifies any hash, in memory of its own.
    pub fn verify(&self, password: &[u8]) -> bool {
        if self.is_plain() {
            return self.verify_in(&mut Arena::new(Engine::chosen()), password);
        }
        let Ok(params) = Params::new(self.cost.memory_kib, self.cost.passes, self.lanes, Some(self.output.len())) else {
            return false;
        };
        let mut output = vec![0; self.output.len()];
        let argon2 = Argon2::new(self.algorithm, self.version, params);
        argon2.hash_password_into(password, &self.salt, &mut output).is_ok()
            && verify_slices_are_equal(&output, &self.output).is_ok()
    }

    /// The PHC string of a hash of ours.
    pub fn to_phc(&self) -> String {
        let key = self.key_id.map(|id| format!(",keyid={}", STANDARD_NO_PAD.encode(id))).unwrap_or_default();
        let (salt, output) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.output));
        format!("$argon2id$v=19$m={},t={},p=1{key}${salt}${output}", self.cost.memory_kib, self.cost.passes)
    }
}

/// An answer of the reference implementation (argon2-cffi 25.1 over libargon2), with the salt `0123456789abcdef`.
struct KnownAnswer {
    cost: Cost,
    password: &'static [u8],
    output: [u8; 32],
}

const KNOWN_ANSWERS: [KnownAnswer; 3] = [
    KnownAnswer {
        cost: Cost { memory_kib: 8, passes: 1 },
        password: b"",
        output: [
            0xd4, 0x40, 0xeb, 0xa6, 0x78, 0x86, 0xdf, 0x93, 0xd6, 0x43, 0xdc, 0xb8, 0xa6, 0x9b, 0x02, 0xaf, 0x68, 0xc1, 0x6d,
            0x28, 0x4c, 0xd6, 0xf6, 0x86, 0x59, 0x55, 0x3e, 0x24, 0x5b, 0xf9, 0xef, 0xc0,
        ],
    },
    KnownAnswer {
        cost: Cost { memory_kib: 64, passes: 3 },
        password: b"na\xc3\xafve caf\xc3\xa9",
        output: [
            0x33, 0xbe, 0x48, 0x0a, 0x92, 0xde, 0xf3, 0x7a, 0x40, 0x32, 0x70, 0x1b, 0x96, 0x63, 0xc8, 0x56, 0xcb, 0xb0, 0xee,
            0x22, 0xaf, 0xb0, 0x9d, 0xb1, 0x61, 0x99, 0xda, 0xbf, 0xcc, 0xdb, 0x98, 0x97,
        ],
    },
    KnownAnswer {
        cost: Cost { memory_kib: 19_456, passes: 2 },
        password: b"correct horse battery staple",
        output: [
            0x83, 0x2e, 0x52, 0xb9, 0x59, 0xb9, 0x67, 0xb5, 0x70, 0xee, 0x47, 0x81, 0xf6, 0xc7, 0xbd, 0xa7, 0xce, 0xd0, 0x19,
            0xca, 0x26, 0x6a, 0xc7, 0x81, 0xfd, 0x2d, 0x94, 0xd4, 0xe8, 0x53, 0xb0, 0xcd,
        ],
    },
];

impl KnownAnswer {
    fn is_given_by(&self, arena: &mut Arena) -> bool {
        let mut output = [0; 32];
        arena.argon2id(self.cost, self.password, b"0123456789abcdef", &mut output) && output == self.output
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::sha256;
    use aws_lc_rs::digest;

    #[test]
    fn both_libraries_give_the_known_answers() {
        for engine in [Engine::Fast, Engine::Careful] {
            for answer in &KNOWN_ANSWERS {
                let cost = answer.cost;
                assert!(answer.is_given_by(&mut Arena::new(engine)), "{engine:?} {cost:?}");
            }
        }
        assert_eq!(Engine::chosen(), Engine::Fast);
    }

    #[test]
    fn a_wrong_answer_of_the_fast_library_leaves_the_work_to_the_careful_one() {
        let mut answers = KNOWN_ANSWERS;
        answers[1].output[31] ^= 1;
        assert_eq!(Engine::judged_by(&answers), Engine::Careful);
    }

    #[test]
    fn ten_thousand_hashes_are_those_of_the_reference_implementation() {
        // SHA-256 over the outputs that argon2-cffi 25.1 gives for the same 10,000 inputs, one after the other.
        const REFERENCE: &str = "qS4qZvt39mP9zYsCWmZTVwAtEgEQGG9JnZSA1ZUxqCc";
        for engine in [Engine::Fast, Engine::Careful] {
            let mut arena = Arena::new(engine);
            let mut all = digest::Context::new(&digest::SHA256);
            for number in 0..10_000_u32 {
                let cost = Cost { memory_kib: 8 + number % 57, passes: 1 + number % 3 };
                let (password, salt) = (format!("password {number}"), format!("salt number {number:04}"));
                let mut output = [0; 32];
                assert!(arena.argon2id(cost, password.as_bytes(), salt.as_bytes(), &mut output));
                all.update(&output);
            }
            assert_eq!(STANDARD_NO_PAD.encode(all.finish()), REFERENCE, "{engine:?}");
        }
    }

    proptest! {
        #[test]
        fn both_libraries_agree(
            password in proptest::collection::vec(any::<u8>(), 0..1100),
            salt in proptest::collection::vec(any::<u8>(), 8..64),
            memory_kib in 8_u32..600,
            passes in 1_u32..5,
            output_bytes in 12_usize..65,
        ) {
            let cost = Cost { memory_kib, passes };
            let (mut one, mut other) = (vec![0; output_bytes], vec![0; output_bytes]);
            // An arena that has been used for something else before.
            let mut arena = Arena::new(Engine::Fast);
            let earlier = Cost { memory_kib: 300, passes: 1 };
            prop_assert!(arena.argon2id(earlier, &sha256(&password), &salt, &mut one));
            prop_assert!(arena.argon2id(cost, &password, &salt, &mut one));
            prop_assert!(Arena::new(Engine::Careful).argon2id(cost, &password, &salt, &mut other));
            prop_assert_eq!(one, other);
        }
    }
}
