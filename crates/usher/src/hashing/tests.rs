//! Hashing, verifying what others have hashed, the queue's bounds, and the pepper.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Cost, Hasher, Obstacle, Pepper, Peppers, Scheme, recognise};
use crate::clock::Stopwatch;
use crate::config::SecretKey;
use crate::network::Network;
use crate::secret::SecretText;

const PASSWORD: &str = "correct horse battery";
/// Scheme, password and hash; the head of the file says who made them.
const VECTORS: &str = include_str!("vectors.tsv");

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn local() -> Network {
    Network::of(None)
}

fn network(number: u8) -> Network {
    Network::of(Some([198, 51, number, 7].into()))
}

fn pepper(byte: u8) -> Pepper {
    Pepper::new(&SecretKey::from_bytes((byte..byte + 32).collect()).unwrap())
}

fn vectors() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    VECTORS.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        (fields[0], fields[1], fields[2])
    })
}

#[tokio::test]
async fn a_hash_verifies_its_own_password_only() {
    let hasher = Hasher::start(Cost::CHEAP, 1, 8);
    let phc = hasher.hash(&secret(PASSWORD), local()).await.unwrap();
    assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    assert!(hasher.verify(&secret(PASSWORD), Some(&phc), local()).await.unwrap());
    assert!(!hasher.verify(&secret("correct horse battery "), Some(&phc), local()).await.unwrap());
    assert!(!hasher.verify(&secret(PASSWORD), None, local()).await.unwrap());
    assert!(!hasher.verify(&secret("x"), Some("not a hash"), local()).await.unwrap());
    assert!(!hasher.is_outdated(&phc));
    assert_eq!(hasher.recognise(&phc), Some(Scheme { name: "Argon2id", obstacle: None }));
}

#[tokio::test]
async fn r008_the_policy_hash_verifies_and_salts_differ() {
    let hasher = Hasher::start(Cost::POLICY, 20, 8);
    let first = hasher.hash(&secret(PASSWORD), local()).await.unwrap();
    let second = hasher.hash(&secret(PASSWORD), local()).await.unwrap();
    assert_ne!(first, second);
    assert!(hasher.verify(&secret(PASSWORD), Some(&first), local()).await.unwrap());
}

#[test]
fn r009_what_is_less_than_the_policy_is_outdated() {
    const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
    const OUTPUT: &str = "c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHQ";
    let hasher = Hasher::start(Cost { memory_kib: 16, passes: 2 }, 1, 8);
    for current in ["m=16,t=2,p=1", "m=17,t=2,p=1", "m=16,t=3,p=1"] {
        assert!(!hasher.is_outdated(&format!("$argon2id$v=19${current}${SALT}${OUTPUT}")), "{current}");
    }
    for outdated in
        ["id$v=19$m=15,t=2,p=1", "id$v=19$m=16,t=1,p=1", "id$v=19$m=16,t=2,p=2", "id$v=16$m=16,t=2,p=1", "i$v=19$m=16,t=2,p=1"]
    {
        assert!(hasher.is_outdated(&format!("$argon2{outdated}${SALT}${OUTPUT}")), "{outdated}");
    }
    let short_salt = format!("$argon2id$v=19$m=16,t=2,p=1$c29tZXNhbHQ${OUTPUT}");
    let short_output = format!("$argon2id$v=19$m=16,t=2,p=1${SALT}${SALT}");
    assert!(hasher.is_outdated(&short_salt) && hasher.is_outdated(&short_output));
    for (_, _, hash) in vectors() {
        assert!(hasher.is_outdated(hash) || hash.starts_with("$argon2id$v=19$m=32,t=2,p=1$"), "{hash}");
    }
}

#[tokio::test]
async fn r002_long_passwords_are_not_truncated() {
    let hasher = Hasher::start(Cost::CHEAP, 1, 8);
    let long = "é".repeat(511);
    let phc = hasher.hash(&secret(&format!("{long}a")), local()).await.unwrap();
    assert!(!hasher.verify(&secret(&format!("{long}b")), Some(&phc), local()).await.unwrap());
}

#[tokio::test]
async fn r009_hashes_of_other_programs_verify_their_own_password_only() {
    let hasher = Hasher::start(Cost::CHEAP, 64, 8);
    let mut count = 0;
    for (name, password, hash) in vectors() {
        assert_eq!(hasher.recognise(hash), Some(Scheme { name, obstacle: None }), "{hash}");
        assert!(hasher.verify(&secret(password), Some(hash), local()).await.unwrap(), "{hash}");
        for wrong in [format!(" {password}"), password[1..].to_owned(), String::new()] {
            assert!(!hasher.verify(&secret(&wrong), Some(hash), local()).await.unwrap(), "{hash} opens for {wrong:?}");
        }
        count += 1;
    }
    assert!(count > 80, "{count}");
}

#[tokio::test]
async fn bcrypt_looks_at_72_bytes_as_in_the_program_that_made_the_hash() {
    let hasher = Hasher::start(Cost::CHEAP, 1, 8);
    let long = |name: &str| vectors().find(|(of, password, _)| *of == name && password.len() > 72).unwrap();
    let (_, password, hash) = long("bcrypt");
    for same in [&password[..72], &format!("{password}!")] {
        assert!(hasher.verify(&secret(same), Some(hash), local()).await.unwrap());
    }
    assert!(!hasher.verify(&secret(&password[..71]), Some(hash), local()).await.unwrap());
    let (_, password, hash) = long("bcrypt-SHA-256 of Django");
    assert!(!hasher.verify(&secret(&password[..72]), Some(hash), local()).await.unwrap());
}

#[tokio::test]
async fn r131_a_hash_that_was_cut_off_or_changed_opens_nothing() {
    let hasher = Hasher::start(Cost::CHEAP, 64, 8);
    for (name, password, hash) in vectors() {
        let output = hash.rfind('$').unwrap() + 1;
        // Fewer than twelve bytes are no hash. (A longer beginning is one of PBKDF2 and scrypt, of that length.)
        for cut in [output, output + 1, output + 4, output + 12] {
            let right = hasher.verify(&secret(password), Some(&hash[..cut]), local()).await.unwrap();
            assert!(!right, "{name}: {} opens", &hash[..cut]);
        }
        let sign = if hash.as_bytes()[output + 9] == b'A' { "B" } else { "A" };
        let mut changed = hash.to_owned();
        changed.replace_range(output + 9..output + 10, sign);
        assert!(!hasher.verify(&secret(password), Some(&changed), local()).await.unwrap(), "{name}: {changed} opens");
        assert_eq!(recognise(&format!("{hash}$")).and_then(|scheme| scheme.obstacle), Some(Obstacle::Unreadable), "{name}");
    }
}

#[test]
fn r011_a_hash_that_would_take_the_machine_is_recognised_and_refused() {
    const TAIL: &str = "c29tZXNhbHRzb21lc2FsdA$c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHQ";
    let bcrypt = "OQ2b0W6Jw6c0v1vYXkYz4uJ1C8o9v4m8bq1rJw3w8e1Y9o3yq0a2a";
    let crypt = "a".repeat(86);
    let costly = [
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${TAIL}"),
        format!("$argon2id$v=19$m=262145,t=1,p=1${TAIL}"),
        format!("$argon2id$v=19$m=262144,t=9,p=1${TAIL}"),
        format!("$argon2id$v=19$m=8,t=4294967295,p=1${TAIL}"),
        format!("$argon2i$v=19$m=65536,t=3,p=65${TAIL}"),
        format!("$2b$15${}", &bcrypt[..53]),
        format!("$2b$31${}", &bcrypt[..53]),
        format!("$scrypt$ln=21,r=1,p=1${TAIL}"),
        format!("$scrypt$ln=18,r=8,p=2${TAIL}"),
        format!("$scrypt$ln=31,r=1024,p=1024${TAIL}"),
        format!("$pbkdf2-sha256$4000001${TAIL}"),
        format!("$pbkdf2-sha1$i=2000001${TAIL}"),
        format!("pbkdf2_sha256$4294967295${TAIL}"),
        format!("$6$rounds=700001$salt${crypt}"),
        "$P$Iaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.".to_owned(),
    ];
    for hash in costly {
        assert_eq!(recognise(&hash).unwrap().obstacle, Some(Obstacle::TooCostly), "{hash}");
    }
    // What a smaller budget has no memory for, a larger one has.
    let large = format!("$argon2id$v=19$m=102400,t=2,p=8${TAIL}");
    let obstacle = |memory_mib| Hasher::start(Cost::CHEAP, memory_mib, 8).recognise(&large).unwrap().obstacle;
    assert_eq!((recognise(&large).unwrap().obstacle, obstacle(99), obstacle(100)), (None, Some(Obstacle::TooCostly), None));
}

#[test]
fn what_is_not_a_hash_is_not_recognised() {
    for text in
        ["", "*", "!", PASSWORD, "5f4dcc3b5aa765d61d8327deb882cf99", "$1$salt$hash", "$2x$04$abc", "{SSHA}abc", "$argon2", "x$6$"]
    {
        assert_eq!(recognise(text), None, "{text}");
    }
    let long = format!("$6${}", "a".repeat(600));
    let damaged = [
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$argon2id$v=19$m=8,t=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=19$m=+8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=19$m=8,m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$argon2id$v=19$m=8,t=1,p=1,data=YQ$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$2b$04$short",
        "$2b$4$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$2b$03$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$scrypt$ln=0,r=8,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "scrypt$15$salt$8$1$c29tZXNhbHRzb21lc2FsdA",
        "$pbkdf2-sha256$0$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$pbkdf2-md5$1000$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$pbkdf2-sha256$i=1000,l=31$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        "$6$rounds=999$salt$hash",
        "$P$Bshort",
        "$P$é",
        "$firebase-scrypt$ln=8,r=8$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA",
        &long,
    ];
    for text in damaged {
        assert_eq!(recognise(text).unwrap().obstacle, Some(Obstacle::Unreadable), "{text}");
    }
}

#[tokio::test]
async fn r011_a_full_queue_answers_503_with_retry_after() {
    let hasher = Arc::new(Hasher::start(Cost { memory_kib: 65_536, passes: 8 }, 64, 1));
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move { hasher.hash(&secret(PASSWORD), local()).await })
        })
        .collect();
    let mut refused = 0;
    for answer in asked {
        if let Err(error) = answer.await.unwrap() {
            assert_eq!(error.code(), Some("overloaded"));
            refused += 1;
        }
    }
    assert!(refused >= 1, "a queue of one took eight");
}

#[tokio::test]
async fn r011_a_flood_from_one_network_does_not_shut_another_out() {
    let hasher = Hasher::start(Cost { memory_kib: 1024, passes: 1 }, 1, 32);
    let password = secret(PASSWORD);
    let flood = join_all((0..500).map(|_| hasher.verify(&password, None, network(1))));
    let (flooded, other) = tokio::join!(flood, async { hasher.hash(&secret(PASSWORD), network(2)).await });
    assert!(other.is_ok(), "another network found no place");
    let refused = flooded.iter().filter(|answer| answer.is_err()).count();
    assert!(refused >= 450, "a network had {} of 32 places", 500 - refused);
}

#[tokio::test]
async fn r012_a_wrong_password_for_a_cheap_hash_costs_what_an_unknown_account_costs() {
    let hasher = Hasher::start(Cost { memory_kib: 4096, passes: 8 }, 4, 8);
    let (_, _, cheap) = vectors().find(|(name, ..)| *name == "phpass").unwrap();
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..5 {
        for (phc, fastest) in [None, Some(cheap)].into_iter().zip(&mut fastest) {
            let watch = Stopwatch::start();
            assert!(!hasher.verify(&secret("wrong"), phc, local()).await.unwrap());
            *fastest = watch.elapsed().min(*fastest);
        }
    }
    let [unknown, known] = fastest;
    assert!(known > unknown / 2, "{known:?} for a known account, {unknown:?} for an unknown one");
}

#[tokio::test]
async fn r010_a_hash_names_its_pepper_and_needs_it() {
    let (plain, peppered) = (Hasher::start(Cost::CHEAP, 1, 8), Hasher::start(Cost::CHEAP, 1, 8).peppered(with(Some(1), None)));
    let old = plain.hash(&secret(PASSWORD), local()).await.unwrap();
    let new = peppered.hash(&secret(PASSWORD), local()).await.unwrap();
    assert!(new.starts_with("$argon2id$v=19$m=8,t=1,p=1,keyid="), "{new}");
    assert!(!old.contains("keyid"));
    // Turned on: the old hash verifies and is outdated.
    assert!(peppered.verify(&secret(PASSWORD), Some(&old), local()).await.unwrap() && peppered.is_outdated(&old));
    assert!(peppered.verify(&secret(PASSWORD), Some(&new), local()).await.unwrap() && !peppered.is_outdated(&new));
    assert!(!peppered.verify(&secret("wrong"), Some(&new), local()).await.unwrap());
    // The name is not the key: without the pepper, the hash is of something else.
    let unnamed = format!("{}{}", &new[..new.find(",keyid").unwrap()], &new[new.find(",keyid").unwrap() + 15..]);
    assert!(!plain.verify(&secret(PASSWORD), Some(&unnamed), local()).await.unwrap());
    // Rotated, and turned off: what was made with the previous one verifies and is outdated.
    for peppers in [with(Some(2), Some(1)), with(None, Some(1))] {
        let later = Hasher::start(Cost::CHEAP, 1, 8).peppered(peppers);
        assert!(later.verify(&secret(PASSWORD), Some(&new), local()).await.unwrap() && later.is_outdated(&new));
        assert_eq!(later.recognise(&new).unwrap().obstacle, None);
    }
    let lost = Hasher::start(Cost::CHEAP, 1, 8).peppered(with(Some(2), Some(3)));
    assert_eq!(lost.recognise(&new).unwrap().obstacle, Some(Obstacle::OtherPepper));
}

#[tokio::test]
async fn r010_hashes_of_other_programs_verify_beside_a_pepper() {
    let hasher = Hasher::start(Cost::CHEAP, 64, 8).peppered(with(Some(1), None));
    for name in ["bcrypt", "scrypt", "Argon2id", "phpass"] {
        let (_, password, hash) = vectors().find(|(of, ..)| *of == name).unwrap();
        assert!(hasher.verify(&secret(password), Some(hash), local()).await.unwrap() && hasher.is_outdated(hash));
    }
}

fn with(current: Option<u8>, previous: Option<u8>) -> Peppers {
    Peppers { current: current.map(pepper), previous: previous.map(pepper) }
}
