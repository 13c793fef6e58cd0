//! The schema of attributes: how it stands, changed property by property or as a whole, and users who are moved to other names.

pub mod list;
pub mod migrations;
pub mod property;
mod rule;
pub mod whole;
mod words;

use fluent_bundle::FluentArgs;
use serde::Serialize;

use super::parameters::address;
use super::staff::{Staff, StaffForm};
use crate::app::App;
use crate::attributes::{self, Document, Offender, Status};
use crate::caller::Permission;
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::html::Faults;
use crate::id::UserId;
use crate::languages::now;

pub const HERE: &str = "/admin/attributes";

/// The forms show what is there, so they take the permission to see it too.
fn require_writing(staff: &Staff) -> Result<(), Rejection> {
    staff.require(Permission::UsersRead)?;
    staff.require(Permission::AttributesWrite)
}

async fn read(app: &App, staff: &Staff) -> AppResult<Status> {
    let mut tx = staff.begin(app).await?;
    let status = attributes::status(&mut tx).await?;
    tx.commit().await?;
    Ok(status)
}

/// Sets the schema that is made of the latest one.
async fn set(app: &App, form: &StaffForm, make: impl FnOnce(&Document) -> AppResult<Document>) -> AppResult<()> {
    let mut tx = form.staff.begin_because(app, &form.members).await?;
    let rules = attributes::lock_for_change(&mut tx).await?;
    if form.members.text("version") != rules.revision.to_string() {
        return Err(changed_meanwhile().into());
    }
    attributes::put(&mut tx, &rules, make(rules.latest())?).await?;
    tx.commit().await?;
    Ok(())
}

fn changed_meanwhile() -> Rejection {
    Rejection::conflict("changed_meanwhile", now().word("schema-changed-meanwhile"))
}

/// What is wrong with a form that was sent.
#[derive(Default)]
struct Wrong {
    faults: Faults,
    violation: Option<Violation>,
}

/// Users who do not fit what was sent.
#[derive(Serialize)]
struct Violation {
    count: i64,
    offenders: Vec<ShownOffender>,
}

/// What is wrong with a user's attributes, and what to do.
#[derive(Serialize)]
struct ShownOffender {
    user_id: UserId,
    username: String,
    /// Where in the attributes.
    place: String,
    what: String,
    /// The page that removes the attribute, if it is none of the schema.
    remove: Option<String>,
}

impl Wrong {
    /// What a refusal says. Faults of the schema are brought to the fields that they are about.
    fn of(error: AppError, in_fields: impl FnOnce(Rejection) -> AppResult<Faults>) -> AppResult<Self> {
        let AppError::Rejected(rejection) = error else { return Err(error) };
        let faults = match rejection.code {
            "attribute_schema_violated" => return Ok(Self::violated(&rejection)),
            "attribute_migration_under_way" => Faults::at("reason", now().word("schema-under-way")),
            "changed_meanwhile" => Faults::at("reason", rejection.detail),
            _ => in_fields(*rejection)?,
        };
        Ok(Self { faults, violation: None })
    }

    fn violated(rejection: &Rejection) -> Self {
        let said = |name: &str| rejection.more.as_ref().and_then(|more| more.get(name)).cloned().unwrap_or_default();
        let count = said("violating").as_i64().unwrap_or_default();
        let offenders: Vec<Offender> = serde_json::from_value(said("offenders")).unwrap_or_default();
        let sentence = now().say("schema-violated", &FluentArgs::from_iter([("count", count)]));
        let violation = Violation { count, offenders: shown(&offenders) };
        Self { faults: Faults::at("violation", sentence), violation: Some(violation) }
    }
}

fn shown(offenders: &[Offender]) -> Vec<ShownOffender> {
    let one = |offender: &Offender| {
        let is_dropped = offender.code == "unknown_field";
        let what = if is_dropped { now().word("schema-dropped") } else { sentence(&offender.code, &offender.detail) };
        let place = offender.pointer.strip_prefix("/attributes").unwrap_or(&offender.pointer);
        let place = place.trim_start_matches('/').replace("~1", "/").replace("~0", "~");
        // What stands below an attribute can't be removed by itself.
        let is_whole = offender.pointer.matches('/').count() == 2;
        let remove = (is_dropped && is_whole).then(|| address(&format!("{HERE}/remove"), [("name", place.as_str())]));
        ShownOffender { user_id: offender.user_id, username: offender.username.clone(), place, what, remove }
    };
    offenders.iter().map(one).collect()
}

/// What is wrong, in the language of who reads it, where that is known.
fn sentence(code: &str, detail: &str) -> String {
    now().fault(code, detail).unwrap_or_else(|| detail.to_owned())
}

/// Where in a schema a fault is: the property, and what stands below it.
fn place_of(fault: &FieldError) -> Option<(&str, &str)> {
    let place = fault.pointer.as_deref()?.strip_prefix("/properties/")?;
    Some(place.split_once('/').unwrap_or((place, "")))
}
