//! The one table of settings. Parsing, `usher config print` and `docs/configuration.md` all come from it.

use super::setting::Setting;

mod accounts;
mod brand;
mod running;
mod storage;

/// Every setting, section by section.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    [running::SETTINGS, storage::SETTINGS, accounts::SETTINGS, brand::SETTINGS].into_iter().flatten()
}
