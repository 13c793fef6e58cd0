//! Finds the paths that lead from one module of usher to another: `crate::users::store`, also
//! inside `use crate::{users, audit::record}`, and `super::super::users`.

use crate::tidy::source::line_of;

/// A path from the crate's root on.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub line: usize,
    pub path: Vec<String>,
}

/// All paths that begin at the crate's root, read in the module at `home`.
pub fn find(code: &str, home: &[&str]) -> Vec<Import> {
    let mut imports = Vec::new();
    for (at, length) in roots(code, home) {
        let line = line_of(code, at);
        let mut reader = Reader { rest: &code[at + length..], path: Vec::new(), paths: Vec::new() };
        reader.tree();
        imports.extend(reader.paths.into_iter().map(|path| Import { line, path }));
    }
    imports.sort_by_key(|import| import.line);
    imports
}

/// Where a path to the crate's root ends: `crate::`, or as many `super::` as the module is deep.
fn roots(code: &str, home: &[&str]) -> Vec<(usize, usize)> {
    let mut needles = vec!["crate::".to_owned()];
    if !home.is_empty() {
        needles.push("super::".repeat(home.len()));
    }
    needles
        .iter()
        .flat_map(|needle| {
            code.match_indices(needle.as_str()).filter(|(at, _)| starts_a_path(&code[..*at])).map(|(at, found)| (at, found.len()))
        })
        .collect()
}

fn starts_a_path(before: &str) -> bool {
    !before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
}

struct Reader<'a> {
    rest: &'a str,
    path: Vec<String>,
    paths: Vec<Vec<String>>,
}

impl Reader<'_> {
    /// Reads a path or a group in braces, and notes each path that ends in it.
    fn tree(&mut self) {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('{') {
            self.rest = rest;
            self.group();
            return;
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '#')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() {
            // `*`, or the `<` of a turbofish.
            self.paths.push(self.path.clone());
            return;
        }
        self.path.push(name.trim_start_matches("r#").to_owned());
        if let Some(rest) = self.rest.strip_prefix("::") {
            self.rest = rest;
            self.tree();
        } else {
            self.paths.push(self.path.clone());
        }
        self.path.pop();
    }

    fn group(&mut self) {
        loop {
            self.tree();
            // What is left up to the comma is `*` or `as name`.
            let Some(end) = self.rest.find([',', '}']) else {
                self.rest = "";
                return;
            };
            let more = self.rest[end..].starts_with(',');
            self.rest = self.rest[end + 1..].trim_start();
            if !more {
                return;
            }
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str, home: &[&str]) -> Vec<String> {
        find(code, home).into_iter().map(|import| format!("{}:{}", import.line, import.path.join("::"))).collect()
    }

    #[test]
    fn plain_paths_are_found() {
        let code = "use crate::users::UserId;\nlet x = crate::audit::record(y)?;\nmycrate::z";
        assert_eq!(paths(code, &["me"]), ["1:users::UserId", "2:audit::record"]);
    }

    #[test]
    fn groups_are_opened() {
        let code = "use crate::{\n    audit::{self, record as note, store::{a, b,},},\n    users,\n    db::*,\n};";
        assert_eq!(
            paths(code, &["me"]),
            ["1:audit::self", "1:audit::record", "1:audit::store::a", "1:audit::store::b", "1:users", "1:db"]
        );
    }

    #[test]
    fn a_way_up_to_the_root_counts() {
        let code = "use super::super::users::store;\nuse super::inner;";
        assert_eq!(paths(code, &["me", "store"]), ["1:users::store"]);
        assert_eq!(paths("use super::users;", &["me"]), ["1:users"]);
        assert_eq!(paths("use super::users;", &[]), Vec::<String>::new());
    }

    #[test]
    fn visibility_is_no_import() {
        assert_eq!(paths("pub(crate) fn x() {}", &["me"]), Vec::<String>::new());
        assert_eq!(paths("$crate::db::Tx", &["me"]), ["1:db::Tx"]);
    }
}
