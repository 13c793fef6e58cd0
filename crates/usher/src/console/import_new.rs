//! Uploading a file of users: what it is, what is to come of its rows, and which column is which field.
//!
//! A file is read once and not kept. Whoever is shown its columns to say what they are chooses it again.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use minijinja::context;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events;
use super::imports::{HERE, way};
use super::parameters::Parameters;
use super::staff::{Staff, StaffStream};
use crate::app::App;
use crate::attributes;
use crate::caller::Permission;
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::html::{Faults, Field, Members, SentFile, see_other};
use crate::imports::{self, Column, FIELDS, FileFormat, Import, Match, Mode, Options, PASSWORD_HASH, Preset};
use crate::languages::now;

const PAGE: &str = "console/import_new.html";

const PRODUCTS: [(&str, &str); 7] = [
    ("auth0", "Auth0"),
    ("devise", "Devise (Ruby on Rails)"),
    ("django", "Django"),
    ("fastapi-users", "FastAPI Users"),
    ("firebase", "Firebase"),
    ("keycloak", "Keycloak"),
    ("supabase", "Supabase"),
];

/// What the form says, to be shown again.
#[derive(Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box of the form")]
struct Said {
    preset: String,
    mode: String,
    matching: String,
    format: String,
    delimiter: String,
    /// `header = field` a line.
    map: String,
    keep_ids: bool,
    assume_verified: bool,
    invite: bool,
    columns_first: bool,
    reason: String,
}

/// What has a few choices, as the API names them.
#[derive(Deserialize, JsonSchema)]
struct Choices {
    preset: Option<Preset>,
    #[serde(default)]
    mode: Mode,
    #[serde(default, rename = "match")]
    matching: Match,
    format: Option<FileFormat>,
}

impl Said {
    fn of(members: &Members) -> Self {
        let text = |name: &str| members.text(name).trim().to_owned();
        Self {
            preset: text("preset"),
            mode: text("mode"),
            matching: text("match"),
            format: text("format"),
            delimiter: text("delimiter"),
            map: text("map"),
            keep_ids: members.has("keep_ids"),
            assume_verified: members.has("assume_verified"),
            invite: members.has("invite"),
            columns_first: members.has("columns_first"),
            reason: text("reason"),
        }
    }

    /// As an import was read, to read its file otherwise.
    fn like(import: &Import) -> AppResult<Self> {
        let options = &import.options;
        let said = serde_json::to_value(options)?;
        let text = |name: &str| events::text(&said[name]);
        let pairs: Vec<String> = options.map.iter().map(|(header, field)| format!("{header} = {field}")).collect();
        Ok(Self {
            preset: text("preset"),
            mode: text("mode"),
            matching: text("match"),
            format: text("format"),
            delimiter: options
                .delimiter
                .map_or_else(String::new, |sign| if sign == '\t' { "tab".to_owned() } else { sign.into() }),
            map: pairs.join("\n"),
            keep_ids: options.keep_ids,
            assume_verified: options.assume_verified,
            invite: options.invite,
            columns_first: true,
            reason: import.reason.clone().unwrap_or_default(),
        })
    }

    fn options(&self, members: &Members, file_name: &str) -> AppResult<Options> {
        let fault = |pointer: &'static str| move |why: String| Rejection::invalid_field(pointer, "invalid", why);
        let choices: Choices = members.parse()?;
        let delimiter = Some(self.delimiter.as_str()).filter(|sign| !sign.is_empty());
        let mut map = imports::read_pairs(self.map.lines()).map_err(fault("/map"))?;
        map.extend(chosen(members));
        Ok(Options {
            format: choices.format.unwrap_or_else(|| format_of(file_name)),
            mode: choices.mode,
            matching: choices.matching,
            delimiter: delimiter.map(imports::read_delimiter).transpose().map_err(fault("/delimiter"))?,
            map,
            preset: choices.preset,
            keep_ids: self.keep_ids,
            assume_verified: self.assume_verified,
            invite: self.invite,
            hash_config: Some(members.text("hash_config").trim().to_owned()).filter(|config| !config.is_empty()),
        })
    }
}

/// The columns for which a field was chosen.
fn chosen(members: &Members) -> BTreeMap<String, String> {
    let column = |number: usize| (format!("column.{number}"), format!("field.{number}"));
    let columns = (1..).map(column).take_while(|(column, _)| members.has(column));
    let columns = columns.map(|(column, field)| (members.text(&column).trim().to_owned(), members.text(&field).to_owned()));
    columns.filter(|(_, field)| !field.is_empty()).collect()
}

/// What a file is by its name, compressed or not.
fn format_of(file_name: &str) -> FileFormat {
    let name = file_name.to_lowercase();
    match name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next() {
        Some("json") => FileFormat::Json,
        Some("ndjson" | "jsonl") => FileFormat::Ndjson,
        _ => FileFormat::Csv,
    }
}

/// A column for which a field can be chosen.
#[derive(Serialize)]
struct Offered {
    name: String,
    /// Empty: nobody knows it, or it is as the preset has it.
    field: String,
    /// What can be chosen.
    fields: Vec<(String, String)>,
}

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let said = match parameters.get("like").map(str::parse::<Uuid>) {
        Some(Ok(id)) => {
            let mut tx = staff.begin(&app).await?;
            let import = imports::read(&mut tx, staff.authority(), id).await?;
            tx.commit().await?;
            Said::like(&import)?
        }
        Some(Err(_)) => return Err(Rejection::not_found().into()),
        None => Said::default(),
    };
    ask(&app, &staff, &said, &[], &Faults::default()).await
}

async fn ask(app: &App, staff: &Staff, said: &Said, columns: &[Column], faults: &Faults) -> AppResult<Response> {
    let schema = attributes::cached(app).await?;
    let mut fields: Vec<(String, String)> = FIELDS.iter().map(|(name, _)| (*name).to_owned()).map(labelled).collect();
    fields.push(labelled(PASSWORD_HASH.to_owned()));
    fields.extend(schema.properties().iter().map(|property| labelled(format!("attributes.{}", property.name))));
    let offered: Vec<Offered> = columns.iter().map(|column| offer(column, &said.preset, &fields)).collect();
    let own = [("", now().word("import-preset-own"))];
    let presets: Vec<_> = own.into_iter().chain(PRODUCTS.map(|(name, product)| (name, product.to_owned()))).collect();
    let has_fault = |names: &[&str]| names.iter().any(|name| faults.said(name).is_some());
    let values = context! {
        said => Serde(said), columns => Serde(offered), presets => Serde(presets),
        vouches => staff.may(Permission::RolesAssign),
        shows_options => has_fault(&["match", "format", "delimiter"]),
        shows_map => has_fault(&["map"]) || said.columns_first,
    };
    staff.page(app, HERE, PAGE, values, faults)
}

/// `Attributes.team` is `Attribute team`.
fn labelled(field: String) -> (String, String) {
    let label = match field.strip_prefix("attributes.") {
        Some(name) => now().say("import-field-attribute", &FluentArgs::from_iter([("name", name)])),
        None => events::field_name(&field),
    };
    (field, label)
}

fn offer(column: &Column, preset: &str, fields: &[(String, String)]) -> Offered {
    let field = column.target.as_ref().map(imports::Target::name).unwrap_or_default();
    let mut choices = vec![
        (String::new(), if preset.is_empty() { now().word("import-field-choose") } else { now().word("import-field-preset") }),
        (imports::LEFT_OUT.to_owned(), now().word("import-field-leave-out")),
    ];
    choices.extend_from_slice(fields);
    if !choices.iter().any(|(known, _)| *known == field) {
        choices.push(labelled(field.clone()));
    }
    Offered { name: column.name.clone(), field, fields: choices }
}

pub async fn submit(State(app): State<App>, form: StaffStream) -> AppResult<Response> {
    let StaffStream { staff, members, file } = form;
    staff.require(Permission::UsersWrite)?;
    let said = Said::of(&members);
    let Some(file) = file else {
        return ask(&app, &staff, &said, &[], &Faults::at("file", now().word("import-file-missing"))).await;
    };
    let SentFile { name, reader, sending } = file;
    let options = match said.options(&members, &name) {
        Ok(options) => options,
        Err(error) => {
            let faults = of_the_form(error)?;
            drop(reader);
            sent(sending).await;
            return ask(&app, &staff, &said, &[], &faults).await;
        }
    };
    let (beginning, whole) = match imports::look_at(reader).await {
        Ok(looked) => looked,
        Err(error) => return ask(&app, &staff, &said, &[], &of_the_file(error)?).await,
    };
    if beginning.is_empty() {
        return ask(&app, &staff, &said, &[], &Faults::at("file", now().word("import-file-empty"))).await;
    }
    if said.columns_first {
        drop(whole);
        sent(sending).await;
        return match beginning.columns(&options) {
            Ok(columns) => ask(&app, &staff, &said, &columns, &Faults::default()).await,
            Err(error) => ask(&app, &staff, &said, &[], &of_the_file(error)?).await,
        };
    }
    let origin = staff.origin_because(&members);
    let uploaded = imports::upload(&app, staff.authority(), &origin, options.clone(), &name, whole).await;
    match uploaded {
        Ok(import) => Ok(see_other(&way(import.id))),
        Err(error) => {
            sent(sending).await;
            if error.code() != Some("invalid_columns") {
                return ask(&app, &staff, &said, &[], &of_the_file(error)?).await;
            }
            let columns = beginning.columns(&options).unwrap_or_default();
            if is_cut_wrongly(&columns) {
                let faults = Faults::at("delimiter", now().word("import-one-column"));
                return ask(&app, &staff, &said, &[], &faults).await;
            }
            let faults = of_columns(error, &columns)?;
            ask(&app, &staff, &said, &columns, &faults).await
        }
    }
}

/// Waits until the browser has sent all of it.
async fn sent(sending: tokio::task::JoinHandle<()>) {
    // It ends by its own bounds; whether it failed is nothing to anybody.
    let _ = sending.await;
}

fn of_the_form(error: AppError) -> AppResult<Faults> {
    let now = now();
    let fields = [
        Field { name: "preset", subject: &now.word("import-subject-preset"), missing: "" },
        Field { name: "mode", subject: &now.word("import-subject-choice"), missing: "" },
        Field { name: "match", subject: &now.word("import-subject-choice"), missing: "" },
        Field { name: "format", subject: &now.word("import-subject-format"), missing: "" },
        Field { name: "delimiter", subject: &now.word("import-subject-delimiter"), missing: "" },
        Field { name: "map", subject: &now.word("import-subject-map"), missing: "" },
    ];
    Faults::of(error, &fields)
}

/// What is wrong with the file itself.
fn of_the_file(error: AppError) -> AppResult<Faults> {
    match error {
        AppError::Rejected(rejection) if rejection.code == "body_too_large" => {
            Ok(Faults::at("file", now().word("import-file-too-large")))
        }
        AppError::Rejected(rejection) if rejection.code == "unreadable_file" => {
            Ok(Faults::at("file", now().problem(rejection.code, &rejection.detail)))
        }
        AppError::Rejected(rejection) if rejection.code == "invalid_columns" => of_columns(AppError::Rejected(rejection), &[]),
        other => Err(other),
    }
}

/// Whether the one column that there is looks like several.
fn is_cut_wrongly(columns: &[Column]) -> bool {
    matches!(columns, [only] if only.target.is_none() && only.name.contains([';', '\t', '|']))
}

/// What is wrong with its columns, each at its own as far as they are shown.
fn of_columns(error: AppError, columns: &[Column]) -> AppResult<Faults> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    let mut faults = Faults::default();
    for (number, column) in (1..).zip(columns) {
        let Some(fault) = &column.fault else { continue };
        let named = FluentArgs::from_iter([("column", column.name.as_str())]);
        let text = match fault.code.as_ref() {
            "repeated_column" => now().say("import-column-repeated", &named),
            _ => now().say("import-column-unknown", &named),
        };
        faults.add(format!("field.{number}"), text);
    }
    let of_a_column = |detail: &str| columns.iter().any(|column| column.fault.as_ref().is_some_and(|own| own.detail == detail));
    let others: Vec<String> = rejection.errors.iter().filter(|fault| !of_a_column(&fault.detail)).map(of_the_map).collect();
    if !others.is_empty() {
        faults.add("map", others.join(" "));
    } else if faults.is_empty() {
        faults.add("map", now().problem(rejection.code, &rejection.detail));
    }
    Ok(faults)
}

/// What is wrong with a pair of the map, or with the columns as a whole. What the pair names stands in the English words alone.
fn of_the_map(fault: &FieldError) -> String {
    let Some(said) = now().fault(&fault.code, &fault.detail) else { return fault.detail.clone() };
    let Some(name) = fault.detail.split('`').nth(1) else { return said };
    let named = FluentArgs::from_iter([("name", name)]);
    match fault.code.as_ref() {
        "unknown_field" => now().say("import-map-no-field", &named),
        "unknown_column" => now().say("import-map-no-column", &named),
        _ => said,
    }
}
