//! What is wrong with a form, at the field that it is about.

use http::StatusCode;

use super::staff::Staff;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{Faults, Field, Members};
use crate::languages::now;

/// What the rules find wrong: at its field, or at the field `whole` when it is about what the form asks for as a whole. A refusal stays
/// one, and is noted.
pub fn of(staff: &Staff, error: AppError, fields: &[Field<'_>], whole: &str) -> AppResult<Faults> {
    let AppError::Rejected(mut rejection) = error else { return Err(error) };
    for fault in &mut rejection.errors {
        fault.pointer = fault.pointer.as_deref().map(member);
    }
    match Faults::of(AppError::Rejected(rejection), fields) {
        Err(AppError::Rejected(rejection)) => as_whole(staff, &rejection, whole).ok_or(AppError::Rejected(rejection)),
        found => found,
    }
}

fn as_whole(staff: &Staff, rejection: &Rejection, whole: &str) -> Option<Faults> {
    let said = || now().problem(rejection.code, &rejection.detail);
    match (rejection.code, rejection.status) {
        ("changed_meanwhile", _) => Some(Faults::at("version", rejection.detail.clone())),
        (_, StatusCode::CONFLICT) => Some(Faults::at(whole, said())),
        (code, StatusCode::FORBIDDEN) => {
            staff.refuse(code);
            Some(Faults::at(whole, said()))
        }
        _ => None,
    }
}

/// The member of the form that a place in the body stands for: of `/roles/3` it is `roles`, of `/second_factor/grace_days` the latter.
fn member(pointer: &str) -> String {
    let is_name = |part: &&str| !part.is_empty() && part.parse::<usize>().is_err();
    format!("/{}", pointer.rsplit('/').find(is_name).unwrap_or_default())
}

/// Refuses a form that shows what it is about as it was before somebody else changed it; `changed` says so.
pub fn require_version(version: i64, members: &Members, changed: impl FnOnce() -> String) -> Result<(), Rejection> {
    if members.text("version") == version.to_string() {
        return Ok(());
    }
    Err(Rejection::conflict("changed_meanwhile", changed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_a_body_are_members_of_the_form() {
        for (pointer, name) in
            [("/name", "/name"), ("/roles/3", "/roles"), ("/second_factor/grace_days", "/grace_days"), ("", "/"), ("/0", "/")]
        {
            assert_eq!(member(pointer), name, "{pointer}");
        }
    }
}
