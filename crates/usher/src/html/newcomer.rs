//! What is wrong with the fields that people fill in before they have an account, or to open it again: said alike at every page.

use super::forms::{Faults, Field};
use crate::error::{AppError, AppResult};
use crate::languages::now;

/// What a refusal finds wrong with an account that is to be made: with the fields of the page's `own`, then with those of every such page.
pub fn newcomer_faults(error: AppError, own: &[Field<'_>]) -> AppResult<Faults> {
    let now = now();
    let (address, no_address) = (now.word("arrival-subject-address"), now.word("arrival-missing-address"));
    let (name, no_name) = (now.word("arrival-subject-name"), now.word("arrival-missing-name"));
    let (password, no_password) = (now.word("arrival-subject-password"), now.word("arrival-missing-password"));
    let shared = [
        Field { name: "email", subject: &address, missing: &no_address },
        Field { name: "display_name", subject: &name, missing: &no_name },
        Field { name: "password", subject: &password, missing: &no_password },
    ];
    Faults::of(error, &own.iter().copied().chain(shared).collect::<Vec<_>>())
}

/// What a refusal finds wrong with a new password for an account that is there.
pub fn new_password_faults(error: AppError) -> AppResult<Faults> {
    let (subject, missing) = (now().word("arrival-subject-your-password"), now().word("arrival-missing-password"));
    Faults::of(error, &[Field { name: "password", subject: &subject, missing: &missing }])
}
