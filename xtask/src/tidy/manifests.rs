//! What every crate's manifest says: the lints of the workspace hold, which forbid unsafe code.

use crate::tidy::{Fault, File};

/// How a crate that can't do without unsafe code says why.
const REASON: &str = "# Unsafe code:";

pub fn check(file: &File) -> Vec<Fault> {
    let folder = file.path.strip_suffix("/Cargo.toml").unwrap_or_default();
    let is_member = folder == "xtask" || folder.strip_prefix("crates/").is_some_and(|name| !name.contains('/'));
    let inherits = file.text.contains("[lints]\nworkspace = true\n");
    if !is_member || inherits || file.text.lines().any(|line| line.starts_with(REASON)) {
        return Vec::new();
    }
    let sentence = format!("take the lints of the workspace, which forbid unsafe code, or say why not: `{REASON} ...`");
    vec![Fault::new(&file.path, 1, sentence)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    fn faults(path: &str, text: &str) -> usize {
        check(&File { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn r287_no_crate_may_hold_unsafe_code() {
        let workspace = std::fs::read_to_string(workspace::root().join("Cargo.toml")).unwrap();
        assert!(workspace.contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
        assert_eq!(faults("crates/x/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n"), 0);
        assert_eq!(faults("crates/x/Cargo.toml", "[package]\n"), 1);
        assert_eq!(faults("xtask/Cargo.toml", "[package]\n"), 1);
        assert_eq!(faults("crates/x/Cargo.toml", "# Unsafe code: the loop is three times as fast.\n[package]\n"), 0);
        assert_eq!(faults("crates/x/tests/Cargo.toml", "[package]\n"), 0);
    }
}
