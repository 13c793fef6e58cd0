//! What is said of settings in other languages than English, whose words stand in their table and where a warning is made.
//! `settings.ftl` has them by the name of the setting, and warnings by the English words. What it lacks stays English.

use fluent_bundle::FluentArgs;

use super::Language;
use super::problems::{keyed, worded};

impl Language {
    /// What a setting is for, in Markdown. None, where there are only the English words.
    pub fn setting_about(self, name: &str) -> Option<String> {
        self.own(&key(name), &FluentArgs::new())
    }

    /// What holds when nobody sets it, in Markdown, where that is told in words.
    pub fn setting_default(self, name: &str) -> Option<String> {
        self.own(&format!("{}-default", key(name)), &FluentArgs::new())
    }

    /// What is unwise about a setting: it goes on from the name.
    pub fn setting_warning(self, message: &str) -> Option<String> {
        self.own(&worded("warning", message), &FluentArgs::new())
    }
}

/// `USHER_LISTEN` is `setting-usher-listen`.
pub(super) fn key(name: &str) -> String {
    keyed("setting", &name.to_ascii_lowercase())
}
