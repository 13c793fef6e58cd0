//! The document on dependencies names each that usher's own crates name in their manifests, and no other.

use std::collections::BTreeSet;

use crate::tidy::{Fault, File, PURE, USHER};

/// The document. The first column of its tables holds the names.
pub const DOCUMENT: &str = "docs/dependencies.md";

pub fn check(files: &[File]) -> Vec<Fault> {
    let Some(document) = files.iter().find(|file| file.path == DOCUMENT) else { return Vec::new() };
    let direct: BTreeSet<&str> = files.iter().filter(|file| is_shipped(file)).flat_map(|file| direct(&file.text)).collect();
    let rows =
        document.text.lines().zip(1..).filter_map(|(line, number)| Some((line.strip_prefix("| `")?.split_once('`')?.0, number)));
    let mut missing = direct.clone();
    let mut faults = Vec::new();
    for (name, line) in rows {
        if !direct.contains(name) {
            faults.push(Fault::new(DOCUMENT, line, format!("no crate of usher depends on `{name}`: take the line out")));
        } else if !missing.remove(name) {
            faults.push(Fault::new(DOCUMENT, line, format!("`{name}` has a line already")));
        }
    }
    faults.extend(missing.iter().map(|name| Fault::new(DOCUMENT, 1, format!("say what usher needs `{name}` for"))));
    faults
}

fn is_shipped(file: &File) -> bool {
    let folder = file.path.strip_suffix("Cargo.toml").unwrap_or_default();
    [USHER].iter().chain(&PURE).any(|source| source.strip_suffix("src/") == Some(folder))
}

/// What a manifest names under `[dependencies]`, but for crates of this workspace.
fn direct(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    section.filter(|line| !line.contains("path = ")).filter_map(|line| Some(line.split_once(" = ")?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn every_direct_dependency_has_one_line_and_nothing_else_has() {
        let usher = "[dependencies]\nusher-log = { path = \"../usher-log\" }\naxum = \"0.8\"\n# Why.\nurl = \"2\"\n\n[dev-dependencies]\nsyn = \"3\"\n";
        let mut files = vec![
            file(DOCUMENT, "| crate | what |\n|---|---|\n| `axum` | of `tower` |\n| `serde` | |\n| `url` | |\n"),
            file("crates/usher/Cargo.toml", usher),
            file("crates/usher-log/Cargo.toml", "[dependencies]\nserde = \"1\"\n"),
            file("crates/usher-bench/Cargo.toml", "[dependencies]\nargon2 = \"1\"\n"),
        ];
        assert_eq!(check(&files), []);
        files[0].text = "| `axum` | |\n| `axum` | |\n| `syn` | |\n| `serde` | |\n".to_owned();
        let faults: Vec<(usize, String)> = check(&files).into_iter().map(|fault| (fault.line, fault.sentence)).collect();
        let expected = [
            (2, "`axum` has a line already"),
            (3, "no crate of usher depends on `syn`: take the line out"),
            (1, "say what usher needs `url` for"),
        ];
        assert_eq!(faults, expected.map(|(line, sentence)| (line, sentence.to_owned())));
    }
}
