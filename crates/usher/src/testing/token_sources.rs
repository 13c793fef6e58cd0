//! A source that handles tokens stands behind one of the doors of `doors.rs`, or is named here with its reason.

use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// Where bearer secrets and access tokens are made and looked at; each is behind one of the doors, or named with its reason.
const SOURCES: [(&str, &str); 20] = [
    ("addresses/mod.rs", "confirmation"),
    ("api_keys/mod.rs", "makes keys: own API key"),
    ("caller/recognition.rs", "access token, API key, session in a browser"),
    (
        "devices/mod.rs",
        "a device token opens nothing alone: it says which counter of failures an attempt is charged to, and beside the password spares the code",
    ),
    ("keyring.rs", "the format alone: no door"),
    (
        "invitations",
        "an invitation makes a user, who signs in by a door; what it gives them is asked of the gate about who invited",
    ),
    ("html/visitor.rs", "what binds the form of who is not signed in opens nothing"),
    ("me/deletion.rs", "undoing a deletion"),
    ("one_time_tokens/mod.rs", "all links; the gate is asked in `redeem`"),
    ("recovery", "reset, welcome, report"),
    ("second_factors/passkeys/ceremony.rs", "a challenge opens nothing without the passkey that answers it: passkey"),
    ("secret.rs", "the format alone: no door"),
    ("sessions/browser.rs", "sign-in in a browser, own password in a browser"),
    ("sessions/gathering.rs", "refresh token; the gate is asked about each of those that are made together"),
    ("sessions/mod.rs", "sign-in, refresh token"),
    ("sessions/refreshing.rs", "refresh token"),
    ("setup/mod.rs", "makes the first user, who signs in by a door"),
    ("sign_in/pending.rs", "second factor, second factor in a browser"),
    ("verification/mod.rs", "verification"),
    ("fuzzing", "no door"),
];

/// Whether a source makes or looks at tokens.
#[derive(Default)]
struct Handles(bool);

const HANDLING: [&str; 9] = [
    "new_bearer",
    "new_bearer_and_hash",
    "bearer_hash",
    "issue_access",
    "verify_access",
    "use_token",
    "find_owner",
    "pay_for_try",
    "redeem",
];

impl<'ast> Visit<'ast> for Handles {
    fn visit_ident(&mut self, name: &'ast syn::Ident) {
        self.0 |= HANDLING.iter().any(|handling| name == handling);
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_source_that_handles_tokens_is_behind_a_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut unlisted = Vec::new();
    let mut listed = std::collections::BTreeSet::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let is_test = name.contains("tests") || name.starts_with("testing/") || name.ends_with("store.rs");
        let mut handles = Handles::default();
        handles.visit_file(&syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap());
        if !handles.0 || is_test {
            continue;
        }
        match SOURCES.iter().find(|(source, _)| name.starts_with(source)) {
            Some((source, _)) => drop(listed.insert(*source)),
            None => unlisted.push(name),
        }
    }
    assert_eq!(
        unlisted,
        Vec::<String>::new(),
        "handle tokens: put a door before them, and write it down in `DOORS` and `SOURCES`"
    );
    assert_eq!(listed.len(), SOURCES.len(), "some of `SOURCES` handle no tokens any more");
}
