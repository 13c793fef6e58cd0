//! Users as a file: who, which fields, and what kind of file.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::parameters::{Parameters, address};
use super::staff::{Staff, StaffForm};
use super::{events, filter, words};
use crate::app::App;
use crate::caller::{Permission, PermissionSet};
use crate::error::{AppError, AppResult};
use crate::exports::{self, FIELDS, Format, Wanted};
use crate::html::{Faults, Field, Members};
use crate::id::UserId;
use crate::languages::now;

const HERE: &str = "/admin/export";
const PAGE: &str = "console/export.html";

const FORMATS: [&str; 3] = ["csv", "ndjson", "parquet"];

/// What the form says, to be shown again.
#[derive(Default, Serialize)]
struct Said {
    filter: String,
    format: String,
    /// Fields that are not wanted.
    without: Vec<&'static str>,
    after: String,
    password_hashes: bool,
    reason: String,
}

/// A field that can be left out.
#[derive(Serialize)]
struct Choice {
    name: &'static str,
    label: String,
    chosen: bool,
}

impl Said {
    fn of(members: &Members) -> Self {
        let text = |name: &str| members.text(name).trim().to_owned();
        Self {
            filter: text("filter"),
            format: text("format"),
            without: FIELDS.into_iter().filter(|field| !members.has(&format!("field.{field}"))).collect(),
            after: text("after"),
            password_hashes: members.has("password_hashes"),
            reason: text("reason"),
        }
    }

    /// What the address says, such as after a proof of who they are.
    fn asked(parameters: &Parameters) -> Self {
        let text = |name: &str| parameters.get(name).unwrap_or_default().to_owned();
        let without: Vec<&str> = parameters.all("without").collect();
        Self {
            filter: text("filter"),
            format: text("format"),
            without: FIELDS.into_iter().filter(|field| without.contains(field)).collect(),
            after: text("after"),
            password_hashes: parameters.get("password_hashes").is_some(),
            reason: text("reason"),
        }
    }

    /// The address that says the same.
    fn address(&self) -> String {
        let texts = [("filter", &self.filter), ("format", &self.format), ("after", &self.after), ("reason", &self.reason)];
        let hashes = self.password_hashes.then_some(("password_hashes", "on"));
        let texts = texts.into_iter().map(|(name, text)| (name, text.as_str()));
        address(HERE, texts.chain(hashes).chain(self.without.iter().map(|field| ("without", *field))))
    }

    fn wanted(&self) -> Result<Wanted, Faults> {
        let Some(format) = Format::parse(&self.format) else {
            return Err(Faults::at("format", now().word("export-format-missing")));
        };
        let after: Option<UserId> = match self.after.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| Faults::at("after", now().word("request-user-invalid")))?),
        };
        if self.without.len() == FIELDS.len() {
            return Err(Faults::at("fields", now().word("export-fields-none")));
        }
        let mut fields: Vec<&str> = FIELDS.into_iter().filter(|field| !self.without.contains(field)).collect();
        if self.password_hashes {
            fields.push(exports::PASSWORD_HASH);
        }
        let fields = (!self.without.is_empty()).then(|| fields.join(","));
        let filter = Some(self.filter.clone()).filter(|filter| !filter.is_empty());
        Ok(Wanted { format, filter, fields, password_hashes: self.password_hashes, after })
    }
}

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    ask(&app, &staff, &Said::asked(&parameters), &Faults::default())
}

fn ask(app: &App, staff: &Staff, said: &Said, faults: &Faults) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let field = |name: &'static str| Choice { name, label: events::field_name(name), chosen: !said.without.contains(&name) };
    let at_fault = faults.said("filter").and_then(|fault| filter::split_at_fault(&said.filter, fault));
    let format = |format: &'static str| (format, words::of("export-format-", format));
    let values = context! {
        formats => Serde(FORMATS.map(format)), fields => Serde(FIELDS.map(field)), at_fault => Serde(at_fault),
        // As the export itself judges.
        takes_hashes => staff.person().permissions == PermissionSet::all(),
        shows_more => !said.without.is_empty() || !said.after.is_empty(),
        said => Serde(said),
    };
    staff.page(app, HERE, PAGE, values, faults)
}

/// Answers with the file itself; the page stays where it is.
pub async fn submit(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersRead)?;
    let said = Said::of(&members);
    let wanted = match said.wanted() {
        Ok(wanted) => wanted,
        Err(faults) => return ask(&app, &staff, &said, &faults),
    };
    if wanted.password_hashes
        && let Some(proof) = staff.way_by_proof(&app, &said.address())
    {
        return Ok(proof);
    }
    match exports::begin(&app, staff.authority(), &staff.origin_because(&members), wanted).await {
        Ok(export) => Ok(export.into_answer().into_response()),
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_query" => {
            let field = Field { name: "filter", subject: &now().word("export-filter-subject"), missing: "" };
            ask(&app, &staff, &said, &Faults::of(rejection.of_a_body().into(), &[field])?)
        }
        Err(error) => Err(error),
    }
}
