//! Migrations are numbered without gaps, so that two branches that add the same number meet
//! here and not in production. Those that came after the last release keep the rules of
//! `usher-migrations`, so that the processes of that release go on while they run and after.

use std::collections::BTreeMap;

use usher_migrations::Migration;

use crate::tidy::{Fault, File};

/// The record of the last release. Its first line is `-- usher 0.1.0, schema version 9`.
pub const RELEASED: &str = "migrations/released/schema.sql";

pub(super) fn check(files: &[File]) -> Vec<Fault> {
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
    if let Some(released) = files.iter().find(|file| file.path == RELEASED).and_then(|file| version(&file.text)) {
        let newer = files.iter().filter(|file| numbered.range(released + 1..).any(|(_, path)| *path == file.path));
        faults.extend(newer.flat_map(|file| rules(file, released)));
    }
    faults
}

/// The schema version of the release that the record is of.
fn version(record: &str) -> Option<u32> {
    record.lines().next()?.strip_prefix("-- usher ")?.split_once(", schema version ")?.1.parse().ok()
}

fn rules(file: &File, released: u32) -> Vec<Fault> {
    let migration = Migration::read(&file.text);
    let found = usher_migrations::check_head(&migration).into_iter().chain(usher_migrations::check(&migration));
    let mut faults: Vec<Fault> = found.map(|finding| Fault::new(&file.path, finding.line, finding.sentence)).collect();
    if let Some(oldest) = migration.oldest().filter(|oldest| *oldest > released) {
        let sentence =
            format!("ends releases before version {oldest}, and the last one has {released}: wait for the next release");
        faults.push(Fault::new(&file.path, 1, sentence));
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

    fn after_release(sql: &str) -> Vec<String> {
        let record = "-- usher 0.1.0, schema version 1\n".to_owned();
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("migrations/V1__users.sql", "alter table users drop column x;"),
            file("migrations/V2__next.sql", sql),
            file(RELEASED, &record),
        ];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_came_after_the_last_release_keeps_the_rules() {
        assert!(after_release("-- expand: A table.\ncreate table a (b int);").is_empty());
        let faults = after_release("-- expand: A column less.\n\nalter table users drop column x;");
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("migrations/V2__next.sql:3: drops a column"), "{faults:?}");
        assert!(after_release("alter table users add column y int;")[0].contains("begins with `-- expand"));
    }

    #[test]
    fn a_contract_lets_the_last_release_go_on() {
        let contract = |oldest: u32| {
            let sql =
                "-- contract: A column less.\nalter table users drop column x;\nupdate schema_compatibility set oldest_version =";
            after_release(&format!("{sql} {oldest};"))
        };
        assert!(contract(1).is_empty());
        assert!(contract(2)[0].contains("wait for the next release"));
    }
}
