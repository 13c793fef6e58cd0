//! `cargo xtask gen --release`: records what a release leaves in the field, when it is cut: its schema and its statements, under
//! `migrations/released/`. From then on tests show that its statements fit every later schema and that its schema, with rows in it,
//! can be migrated; and `tidy` lets nobody change its migrations, or take away what it uses.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::sweep::Folder;
use crate::tidy::migrations::RELEASED;
use crate::tidy::source::Source;
use crate::workspace::{self, Profile};
use crate::{Outcome, postgres};

const STATEMENTS: &str = "migrations/released/statements.sql";
/// What a statement begins with, as in the test that prepares all of them.
const BEGINNINGS: [&str; 6] = ["select", "insert", "update", "delete", "with", "lock"];
/// Lines of the dump that are for the program that would read it, and differ from version to version.
const FOR_THE_READER: [&str; 5] = ["--", "SET ", "SELECT pg_catalog.set_config", "\\", "COMMENT ON EXTENSION"];

pub fn run() -> Outcome {
    let root = workspace::root();
    let (version, schema) = schema()?;
    let usher = env!("CARGO_PKG_VERSION");
    let head = format!("-- usher {usher}, schema version {version}\n-- Written by `cargo xtask gen --release`.\n\n");
    let statements = statements(&root)?;
    for (path, text) in [(RELEASED, format!("{head}{schema}")), (STATEMENTS, format!("{head}{statements}"))] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&root)).map_err(|error| error.to_string())?;
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}: written", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The schema version, and the schema as a fresh server has it, with the rows that say which migrations were applied.
fn schema() -> Result<(String, String), String> {
    let usher = workspace::build_usher(Profile::Debug)?;
    let programs = postgres::ensure()?;
    let folder = Folder::create(std::env::temp_dir().join(format!("usher-release-{}", std::process::id())))?;
    let backup = folder.path().join("backup");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&usher);
        let command = workspace::without_settings(command.args(arguments).current_dir(folder.path()));
        workspace::output(command.env("USHER_DATA_DIR", folder.path()))
    };
    let read = |arguments: &[&str]| {
        let mut command = Command::new(programs.join("pg_restore"));
        workspace::output(command.args(["--no-owner", "--no-privileges", "--file=-"]).args(arguments).arg(&backup))
    };
    let dumped = run(&["migrate"]).and_then(|_| run(&["backup", "backup"])).and_then(|_| {
        let rows = ["refinery_schema_history", "schema_compatibility"].map(|table| read(&["--data-only", "--table", table]));
        let [history, compatibility] = rows;
        Ok((read(&["--schema-only"])?, history?, compatibility?))
    });
    folder.remove()?;
    let (schema, history, compatibility) = dumped?;
    let history = inserts(&history)?;
    let mut version =
        history.lines().filter_map(|line| line.split_once("values ('")?.1.split_once('\'')).map(|(version, _)| version);
    let version = version.next_back().ok_or("no migration was applied")?.to_owned();
    Ok((version, format!("{}\n{history}{}", plain(&schema), inserts(&compatibility)?)))
}

/// The statements of a dump alone.
fn plain(dump: &str) -> String {
    let mut text = String::new();
    for line in dump.lines().filter(|line| !FOR_THE_READER.iter().any(|start| line.starts_with(start))) {
        // One empty line between two statements is enough.
        if !(line.is_empty() && (text.is_empty() || text.ends_with("\n\n"))) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// `COPY ... FROM stdin` and its rows, as statements.
fn inserts(dump: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut into = None;
    for line in dump.lines() {
        match into {
            None => into = line.strip_prefix("COPY ").and_then(|copy| copy.strip_suffix(" FROM stdin;")),
            Some(_) if line == "\\." => into = None,
            Some(_) if line.contains(['\\', '\'']) => return Err(format!("a row that is not plain: {line}")),
            Some(table) => {
                let values: Vec<String> = line.split('\t').map(|value| format!("'{value}'")).collect();
                let _written = writeln!(text, "insert into {table} values ({});", values.join(", "));
            }
        }
    }
    Ok(text)
}

/// The statements of every `store.rs`, each behind the path of its file.
fn statements(root: &Path) -> Result<String, String> {
    let mut paths = Vec::new();
    stores(&root.join("crates/usher/src"), &mut paths)?;
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        for literal in Source::read(&shown, &source).literals {
            let first = literal.text.split_whitespace().next().unwrap_or_default();
            if !BEGINNINGS.contains(&first) || !literal.text.trim().contains(' ') {
                continue;
            }
            if literal.text.contains('\\') {
                return Err(format!("{shown}:{}: write the statement without a backslash", literal.line));
            }
            let lines: Vec<&str> = literal.text.trim().lines().map(str::trim).collect();
            let _written = writeln!(text, "-- {shown}\n{};\n", lines.join("\n"));
        }
    }
    Ok(text)
}

fn stores(folder: &Path, found: &mut Vec<std::path::PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            stores(&path, found)?;
        } else if path.file_name().is_some_and(|name| name == "store.rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_told_by_its_statements() {
        let dump = "--\n-- x\n--\n\nSET a = 1;\nSELECT pg_catalog.set_config('search_path', '', false);\n\\restrict x\n\n\nCREATE TABLE a (\n);\n\n\n";
        assert_eq!(plain(dump), "CREATE TABLE a (\n);\n\n");
    }

    #[test]
    fn rows_become_statements() {
        let dump = "SET a = 1;\nCOPY public.a (b, c) FROM stdin;\n1\tx\n2\ty z\n\\.\n\nSELECT 1;\n";
        assert_eq!(
            inserts(dump).unwrap(),
            "insert into public.a (b, c) values ('1', 'x');\ninsert into public.a (b, c) values ('2', 'y z');\n"
        );
        assert!(inserts("COPY a (b) FROM stdin;\n\\N\n\\.\n").is_err());
    }

    #[test]
    fn every_store_has_its_statements() {
        let statements = statements(&workspace::root()).unwrap();
        assert!(statements.matches(";\n\n").count() > 60);
        assert!(statements.contains("-- crates/usher/src/sessions/store.rs\nselect"));
    }
}
