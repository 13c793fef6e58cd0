//! Who may import whom. A module may name modules of lower rank and itself; the kernel's
//! modules may name each other.

use std::collections::BTreeSet;

use crate::tidy::imports;
use crate::tidy::source::Source;
use crate::tidy::{Fault, File, PURE, USHER};

/// Modules of the kernel have this rank.
const KERNEL: u8 = 0;
/// Modules from here on know all features.
const ROOF: u8 = 47;

/// Every module of usher, from the ground up. A new feature gets a line here: above all that
/// it needs, below all that need it. No two features have the same rank.
const RANKS: &[(&str, u8)] = &[
    // The kernel knows no feature.
    ("clock", KERNEL),
    ("id", KERNEL),
    ("secret", KERNEL),
    ("seal", KERNEL),
    ("error", KERNEL),
    ("faults", KERNEL),
    ("formats", KERNEL),
    ("patch", KERNEL),
    ("pictures", KERNEL),
    ("qr_code", KERNEL),
    ("languages", KERNEL),
    ("config", KERNEL),
    ("db", KERNEL),
    ("telemetry", KERNEL),
    ("mail", KERNEL),
    ("measures", KERNEL),
    ("app", KERNEL),
    ("assets", KERNEL),
    ("jobs", KERNEL),
    ("http", KERNEL),
    ("html", KERNEL),
    ("caller", KERNEL),
    ("brand", KERNEL),
    ("cells", KERNEL),
    ("keyring", KERNEL),
    ("hashing", KERNEL),
    ("network", KERNEL),
    ("throttle", KERNEL),
    ("password_filter", KERNEL),
    // Things.
    ("settings", 6),
    ("activity", 7),
    ("attempts", 8),
    ("audit", 9),
    ("attributes", 10),
    ("one_time_tokens", 11),
    ("emails", 12),
    ("mails", 13),
    ("keys", 14),
    ("password", 15),
    ("roles", 16),
    ("sessions", 17),
    ("users", 18),
    ("devices", 19),
    ("api_keys", 20),
    ("service_accounts", 21),
    ("authz", 22),
    ("groups", 23),
    ("grants", 24),
    ("exports", 25),
    ("analytics", 26),
    ("second_factors", 27),
    ("approvals", 28),
    ("avatars", 29),
    ("branding", 30),
    // Flows over things.
    ("sign_in", 31),
    ("verification", 32),
    ("registration", 33),
    ("recovery", 34),
    ("setup", 35),
    ("me", 36),
    ("addresses", 37),
    ("inactivity_rules", 38),
    ("changes", 39),
    ("bulk", 40),
    ("imports", 41),
    ("inactivity", 42),
    ("invitations", 43),
    // Pages over all of them.
    ("doctor", 44),
    ("live", 45),
    ("console", 46),
    // The roof.
    ("router", ROOF),
    ("cli", 50),
    ("fuzzing", 55),
    ("testing", 60),
];

/// Files of a feature that only the feature itself may name.
const PRIVATE: [&str; 5] = ["store", "api", "pages", "console", "jobs"];

/// What a crate without input and output has no use for.
const IMPURE: [&str; 4] = ["tokio", "SystemTime", "std::env", "std::fs"];

pub fn rank(module: &str) -> Option<u8> {
    let (_, rank) = RANKS.iter().find(|(name, _)| *name == module)?;
    Some(*rank)
}

pub fn is_feature(module: &str) -> bool {
    rank(module).is_some_and(|rank| rank > KERNEL && rank < ROOF)
}

/// The modules a file stands for: `users/store.rs` is `users`, `store`. Empty for the root.
pub fn home(path: &str) -> Option<Vec<&str>> {
    let inner = path.strip_prefix(USHER)?.strip_suffix(".rs")?;
    let mut parts: Vec<&str> = inner.split('/').collect();
    if parts.last() == Some(&"mod") || parts == ["lib"] || parts == ["main"] {
        parts.pop();
    }
    Some(parts)
}

/// Modules that have no rank yet.
pub fn unlisted(files: &[File]) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    files
        .iter()
        .filter_map(|file| Some((file, *home(&file.path)?.first()?)))
        .filter(|(_, module)| rank(module).is_none() && seen.insert(module.to_owned()))
        .map(|(file, module)| {
            let sentence = format!("`{module}` has no rank: give it one in xtask/src/tidy/ranks.rs");
            Fault::new(&file.path, 1, sentence)
        })
        .collect()
}

pub fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    if PURE.iter().any(|pure| source.path.starts_with(pure)) {
        for needle in IMPURE {
            for line in source.lines_with(needle) {
                let sentence = format!("this crate is pure and knows no `{needle}`");
                faults.push(Fault::new(&source.path, line, sentence));
            }
        }
    }
    let Some(home) = home(&source.path) else {
        return faults;
    };
    for import in imports::find(&source.shipped, &home) {
        let Some(module) = import.path.first() else {
            continue;
        };
        if let Some(sentence) = complaint(home.first().copied(), module, import.path.get(1)) {
            faults.push(Fault::new(&source.path, import.line, sentence));
        }
    }
    faults
}

/// Why `importer` may not name `module`, if it may not. The crate's root may name everything.
fn complaint(importer: Option<&str>, module: &str, inner: Option<&String>) -> Option<String> {
    let wanted = rank(module)?;
    if importer == Some(module) {
        return None;
    }
    if let Some(inner) = inner.filter(|inner| PRIVATE.contains(&inner.as_str()))
        && is_feature(module)
    {
        return Some(format!("`{module}::{inner}` is private to `{module}`: go through {module}/mod.rs"));
    }
    let importer = importer?;
    let own = rank(importer)?;
    if wanted < own || (own == KERNEL && wanted == KERNEL) {
        None
    } else if own == KERNEL {
        Some(format!("`{importer}` belongs to the kernel, which knows no `{module}`"))
    } else {
        Some(format!("`{importer}` (rank {own}) may not import `{module}` (rank {wanted}): imports point down"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, code: &str) -> Vec<String> {
        let source = Source::read(path, code);
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn no_two_features_share_a_rank_or_a_name() {
        let mut ranks = BTreeSet::new();
        let mut names = BTreeSet::new();
        for (name, rank) in RANKS {
            assert!(names.insert(name), "{name}");
            assert!(*rank == KERNEL || ranks.insert(rank), "{name}");
        }
    }

    #[test]
    fn imports_point_down() {
        let users = "crates/usher/src/users/mod.rs";
        assert!(faults(users, "use crate::{audit, db::Tx, roles};").is_empty());
        assert_eq!(
            faults(users, "//!\nuse crate::sign_in;"),
            [format!(
                "crates/usher/src/users/mod.rs:2: `users` (rank {}) may not import `sign_in` (rank {}): imports point down",
                rank("users").unwrap(),
                rank("sign_in").unwrap()
            )]
        );
        assert_eq!(faults(users, "fn f() { crate::router::x() }").len(), 1);
        assert!(faults(users, "#[cfg(test)]\nuse crate::testing::TestApp;").is_empty());
        assert_eq!(faults(users, "use crate::testing::TestApp;").len(), 1);
    }

    #[test]
    fn the_kernel_knows_no_feature() {
        let jobs = "crates/usher/src/jobs/mod.rs";
        assert!(faults(jobs, "use crate::db::Tx; use crate::jobs::worker;").is_empty());
        assert_eq!(
            faults(jobs, "use super::audit;"),
            ["crates/usher/src/jobs/mod.rs:1: `jobs` belongs to the kernel, which knows no `audit`"]
        );
    }

    #[test]
    fn a_feature_is_reached_through_its_mod_rs() {
        let path = "crates/usher/src/registration/mod.rs";
        assert_eq!(faults(path, "use crate::users::{self, store};").len(), 1);
        assert_eq!(faults("crates/usher/src/lib.rs", "use crate::users::api;").len(), 1);
        let own = "crates/usher/src/users/api.rs";
        assert!(faults(own, "use crate::users::store; use super::store;").is_empty());
        assert!(faults(path, "use crate::http::api;").is_empty());
    }

    #[test]
    fn usher_oidc_is_pure() {
        let path = "crates/usher-oidc/src/jose/mod.rs";
        assert_eq!(faults(path, "use std::time::SystemTime;\nuse std::fs::File;").len(), 2);
        assert!(faults(path, "#[cfg(test)]\nmod tests { use std::fs; }").is_empty());
    }

    #[test]
    fn new_modules_need_a_rank() {
        let file = |path: &str| File { path: format!("{USHER}{path}"), text: String::new() };
        let files = [file("lib.rs"), file("novelty/mod.rs"), file("novelty/store.rs")];
        let found = unlisted(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].sentence.contains("`novelty`"));
    }
}
