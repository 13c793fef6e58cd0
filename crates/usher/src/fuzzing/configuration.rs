//! What the operator gives: `.env`, and the URLs and keys in it.

use super::text;
use crate::config::{Config, PublicUrl, SecretKey, SmtpUrl, Source};

/// Every setting goes through here, the URL of the database too: a line of the file sets it.
pub(super) fn dotenv(data: &[u8]) {
    let text = text(data);
    // A file that a line names would be opened, and could be anything.
    if text.contains("_FILE") {
        return;
    }
    let home = [("HOME", "/home/ada")];
    let source = Source::from_pairs(home).with_dotenv_text(&text);
    match Config::from_source(&source) {
        Ok((config, report)) => {
            assert!(config.data_dir.is_absolute() && config.database.pool_size > 0);
            let shown = report.to_string();
            assert!(!shown.contains('\u{1b}'), "{shown:?} writes on the terminal");
        }
        Err(errors) => {
            for problem in errors.problems {
                let shown = problem.to_string();
                assert!(!shown.chars().any(char::is_control), "{shown:?} is not one line");
            }
        }
    }
}

pub(super) fn urls(data: &[u8]) {
    let text = text(data);
    if let Ok(url) = PublicUrl::parse(&text) {
        let again = PublicUrl::parse(url.as_str()).expect("what was accepted is accepted again");
        assert_eq!(again, url);
        for path in ["/verify?token=x", "//evil.example/", "@evil.example"] {
            assert_eq!(url.join(path).origin(), url.url().origin(), "a path leads to another host");
        }
    }
    if let Ok(smtp) = SmtpUrl::parse(&text) {
        assert!(!smtp.host.is_empty() && smtp.port > 0);
    }
    if let Ok(key) = SecretKey::parse(&text) {
        let again = SecretKey::parse(&key.to_base64()).expect("what was accepted is accepted again");
        assert_eq!(again.as_bytes(), key.as_bytes());
    }
}
