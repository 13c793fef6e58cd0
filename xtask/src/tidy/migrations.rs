//! Migrations are numbered without gaps, so that two branches that add the same number meet
//! here and not in production.

use std::collections::BTreeMap;

use crate::tidy::{Fault, File};

pub fn check(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut numbered: BTreeMap<u32, &str> = BTreeMap::new();
    for file in files {
        let Some((folder, name)) = file.path.rsplit_once('/') else {
            continue;
        };
        if folder.rsplit('/').next() != Some("migrations") || file.ending() != Some("sql") {
            continue;
        }
        match number(name) {
            None => faults.push(Fault::new(&file.path, 1, "a migration is named like V7__sessions.sql")),
            Some(number) => {
                if let Some(other) = numbered.insert(number, &file.path) {
                    let sentence = format!("{other} has the same number");
                    faults.push(Fault::new(&file.path, 1, sentence));
                }
            }
        }
    }
    for (wanted, (number, path)) in (1..).zip(&numbered) {
        if *number != wanted {
            let sentence = format!("migration {wanted} is missing before this one");
            faults.push(Fault::new(path, 1, sentence));
            break;
        }
    }
    faults
}

/// The number in `V0007__sessions.sql`, `V7__sessions.sql` or `0007_sessions.sql`.
fn number(name: &str) -> Option<u32> {
    let stem = name.strip_suffix(".sql")?;
    let (number, words) = match stem.strip_prefix('V') {
        Some(stem) => stem.split_once("__")?,
        None => stem.split_once('_')?,
    };
    let plain = !words.is_empty() && words.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(names: &[&str]) -> Vec<String> {
        let files: Vec<File> =
            names.iter().map(|name| File { path: format!("migrations/{name}"), text: String::new() }).collect();
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn consecutive_numbers_are_fine() {
        assert!(faults(&["V1__users.sql", "V2__roles.sql", "V10__x.sql"]).len() == 1);
        assert!(faults(&["V0001__users.sql", "V0002__roles.sql"]).is_empty());
        assert!(faults(&["0001_users.sql", "0002_roles.sql", "README.md"]).is_empty());
    }

    #[test]
    fn gaps_doubles_and_odd_names_are_faults() {
        assert_eq!(faults(&["V1__a.sql", "V3__b.sql"]), ["migrations/V3__b.sql:1: migration 2 is missing before this one"]);
        assert_eq!(faults(&["V1__a.sql", "V01__b.sql"]), ["migrations/V01__b.sql:1: migrations/V1__a.sql has the same number"]);
        assert_eq!(faults(&["users.sql", "V1_users.sql", "V1__Users.sql"]).len(), 3);
    }
}
