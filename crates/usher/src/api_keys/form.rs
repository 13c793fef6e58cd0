//! The form that a key is made by, for whomever: what can be chosen, what was said, and what is refused at which field.

use fluent_bundle::FluentArgs;
use jiff::{SignedDuration, Timestamp};
use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{KeyWish, LIFETIME};
use crate::app::App;
use crate::caller::{Permission, PermissionSet};
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{Faults, Field, Members};
use crate::languages;
use crate::users::Name;

/// What a name of a permission is preceded by in a form: each is a box of its own.
const BOX: &str = "permission.";
/// How long a key may be wanted for, in days, as far as the deployment allows it.
const LIFETIMES: [i64; 5] = [7, 30, 90, 180, 365];
const HOURS_A_DAY: i64 = 24;

/// What the form says beside the permissions.
#[derive(Deserialize, JsonSchema)]
struct KeyForm {
    name: Name,
    #[schemars(regex(pattern = "^[1-9][0-9]{0,4}$"))]
    days: String,
}

/// The permissions whose boxes are ticked.
pub fn permissions(members: &Members) -> PermissionSet {
    Permission::ALL.into_iter().filter(|permission| is_ticked(members, *permission)).collect()
}

fn is_ticked(members: &Members, permission: Permission) -> bool {
    members.has(&format!("{BOX}{}", permission.name()))
}

/// A box for each permission on offer.
pub fn boxes(sent: Option<&Members>, offered: PermissionSet, chosen: PermissionSet) -> Vec<Value> {
    let is_chosen = |permission| sent.map_or_else(|| chosen.contains(permission), |sent| is_ticked(sent, permission));
    let one = |permission: Permission| {
        context! { name => permission.name(), about => about(permission), chosen => is_chosen(permission) }
    };
    offered.iter().map(one).collect()
}

pub fn read(members: &Members, now: Timestamp) -> AppResult<KeyWish> {
    let form: KeyForm = members.parse()?;
    let days: i64 = form
        .days
        .parse()
        .map_err(|_| Rejection::invalid_field("/days", "invalid", languages::now().word("api-keys-days-invalid")))?;
    Ok(KeyWish {
        name: form.name,
        permissions: Some(permissions(members).iter().collect()),
        expires_at: Some(now + SignedDuration::from_hours(days * HOURS_A_DAY)),
    })
}

/// What is refused, at the fields of the form.
pub fn in_fields(error: AppError) -> AppResult<Faults> {
    let now = languages::now();
    match error {
        AppError::Rejected(rejection) if rejection.code == "too_many_api_keys" => {
            Ok(Faults::at("name", now.problem(rejection.code, &rejection.detail)))
        }
        AppError::Rejected(rejection) if ["grant_exceeds_caller", "grant_exceeds_holder"].contains(&rejection.code) => {
            Ok(Faults::at("permissions", now.problem(rejection.code, &rejection.detail)))
        }
        AppError::Rejected(rejection) if rejection.errors.iter().any(|fault| fault.pointer.as_deref() == Some("/expires_at")) => {
            Ok(Faults::at("days", now.word("api-keys-days-too-late")))
        }
        error => misfit(error),
    }
}

/// What the form itself lacks.
fn misfit(error: AppError) -> AppResult<Faults> {
    let now = languages::now();
    let name = Field { name: "name", subject: &now.word("api-keys-name-subject"), missing: &now.word("api-keys-name-missing") };
    let days = Field { name: "days", subject: &now.word("api-keys-days-subject"), missing: &now.word("api-keys-days-missing") };
    Faults::of(error, &[name, days])
}

/// What a permission allows, in words.
pub fn about(permission: Permission) -> String {
    languages::now().word(&format!("permission-{}", permission.name().replace([':', '_'], "-")))
}

fn in_days(days: i64) -> String {
    languages::now().say("api-keys-in-days", &FluentArgs::from_iter([("count", days)]))
}

/// What the template of such a form shows. Before it was sent, the permissions `chosen` are ticked.
pub fn choices(app: &App, sent: Option<&Members>, offered: PermissionSet, chosen: PermissionSet) -> Value {
    let latest = i64::try_from(app.config.tokens.api_key_lifetime_max.as_secs() / 86_400).unwrap_or(i64::MAX);
    let usual = || (LIFETIME.as_hours() / HOURS_A_DAY).min(latest).to_string();
    let mut lifetimes: Vec<i64> = LIFETIMES.into_iter().filter(|days| *days < latest).collect();
    lifetimes.extend(LIFETIMES.last().is_some_and(|most| latest <= *most).then_some(latest));
    context! {
        key_name => sent.map(|sent| sent.text("name")).unwrap_or_default(),
        days => sent.map_or_else(usual, |sent| sent.text("days").to_owned()),
        lifetimes => lifetimes.iter().map(|days| (days.to_string(), in_days(*days))).collect::<Vec<_>>(),
        permissions => boxes(sent, offered, chosen),
    }
}
