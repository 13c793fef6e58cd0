//! Words of the catalogues for what is known by a code.

use fluent_bundle::FluentArgs;

use crate::error::{AppError, AppResult};
use crate::html::{Faults, Field};
use crate::languages::{now, zone_name_here};

/// The message whose key has this beginning and ends with the code. It may say the zone that times are in.
pub fn of(beginning: &str, code: &str) -> String {
    now().say(&key(beginning, code), &FluentArgs::from_iter([("zone", zone_name_here())]))
}

/// The same, where not every code has one.
pub fn find(beginning: &str, code: &str) -> Option<String> {
    let key = key(beginning, code);
    let word = now().word(&key);
    (word != key).then_some(word)
}

/// The message of something that has an id, which may stand in it; of what has no message the code in English.
pub fn naming(beginning: &str, code: &str, id: &str) -> String {
    let key = key(beginning, code);
    let said = now().say(&key, &FluentArgs::from_iter([("id", id)]));
    if said == key { format!("{} {id}", super::events::in_words(code)) } else { said }
}

/// `bulk-action-` and `sign_out` is `bulk-action-sign-out`; of `userName` the end is `user-name`.
fn key(beginning: &str, code: &str) -> String {
    code.chars().fold(beginning.to_owned(), |mut key, letter| {
        match letter {
            '.' | '_' => key.push('-'),
            upper if upper.is_ascii_uppercase() => key.extend(['-', upper.to_ascii_lowercase()]),
            other => key.push(other),
        }
        key
    })
}

/// What a refusal finds wrong with the fields of a form. Their catalogue says `AREA-subject-FIELD`, and `AREA-missing-FIELD` of those
/// that must be filled in.
pub fn faults(error: AppError, area: &str, names: &[&str]) -> AppResult<Faults> {
    let said: Vec<(&str, String, String)> = names
        .iter()
        .map(|name| {
            let missing = find(&format!("{area}-missing-"), name).unwrap_or_default();
            (*name, of(&format!("{area}-subject-"), name), missing)
        })
        .collect();
    let fields: Vec<Field<'_>> = said.iter().map(|(name, subject, missing)| Field { name, subject, missing }).collect();
    Faults::of(error, &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ends_of_keys() {
        assert_eq!(of("bulk-action-", "sign_out"), "Sign out everywhere");
        assert_eq!(of("users-filter-", "userName"), "User name");
        assert_eq!(find("bulk-action-", "no_such_action"), None);
        let actions = "suspend reactivate delete restore purge sign_out assign_role remove_role set_attributes require_password_reset \
                       warn_inactive undo";
        for action in actions.split_whitespace() {
            assert!(find("bulk-action-", action).is_some(), "{action}");
        }
    }
}
