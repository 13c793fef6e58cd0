//! How the service is called and how it looks: chosen, tried in a picture before it counts, and restored.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use serde_json::{Map, json};

use super::parameters::{self, Parameters};
use super::staff::{Staff, StaffForm, StaffUpload};
use crate::app::App;
use crate::avatars::Sent;
use crate::brand::{self, Brand, CONTRAST_MIN, Chosen, Color, DARK, LIGHT, LINKS_MAX, Scheme, Standing};
use crate::branding;
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Field, Members, Notice, see_other};
use crate::http::body;
use crate::languages::now;

const HERE: &str = "/admin/branding";
const PAGE: &str = "console/branding.html";
const END_PAGE: &str = "console/branding_end.html";
/// Fields of the form beside its links.
const FIELDS: [&str; 7] = ["name", "color", "color_dark", "footer", "sign_in_text", "register_text", "account_text"];
/// Links that are offered beyond those that are there.
const LINKS_MORE: usize = 2;

/// What stands in the form.
#[derive(Default)]
struct Entered {
    fields: BTreeMap<&'static str, String>,
    links: Vec<(String, String)>,
    reason: String,
}

impl Entered {
    fn of(chosen: &Chosen) -> Self {
        let color = |color: Option<Color>| color.map(String::from);
        let Chosen { name, footer, sign_in_text, register_text, account_text, .. } = chosen.clone();
        let values = [name, color(chosen.color), color(chosen.color_dark), footer, sign_in_text, register_text, account_text];
        Self {
            fields: FIELDS.into_iter().zip(values.map(Option::unwrap_or_default)).collect(),
            links: chosen.links.iter().map(|link| (link.label.clone(), link.url.clone())).collect(),
            reason: String::new(),
        }
    }

    /// What was typed. Links that say nothing are none.
    fn sent(members: &Members) -> Self {
        let link = |at: usize| {
            let part = |name: &str| members.text(&format!("links/{at}/{name}")).trim().to_owned();
            (part("label"), part("url"))
        };
        Self {
            fields: FIELDS.map(|name| (name, members.text(name).trim().to_owned())).into(),
            links: (0..LINKS_MAX).map(link).filter(|(label, url)| !label.is_empty() || !url.is_empty()).collect(),
            reason: members.text("reason").to_owned(),
        }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map(String::as_str).unwrap_or_default()
    }

    /// What it would choose, as the API would take it.
    fn chosen(&self) -> AppResult<Chosen> {
        let filled = self.fields.iter().filter(|(_, value)| !value.is_empty());
        let mut members: Map<_, _> = filled.map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        let links: Vec<_> = self.links.iter().map(|(label, url)| json!({ "label": label, "url": url })).collect();
        members.insert("links".to_owned(), links.into());
        body::from_value(members.into())
    }

    /// What is wrong with it, at its fields.
    fn faults(error: AppError) -> AppResult<Faults> {
        let subjects = [
            ("name", now().word("branding-subject-name")),
            ("color", now().word("branding-subject-color")),
            ("color_dark", now().word("branding-subject-color")),
            ("footer", now().word("branding-subject-text")),
            ("sign_in_text", now().word("branding-subject-text")),
            ("register_text", now().word("branding-subject-text")),
            ("account_text", now().word("branding-subject-text")),
        ];
        let (label, url) = (now().word("branding-subject-label"), now().word("branding-subject-url"));
        let of_links = (0..LINKS_MAX)
            .flat_map(|at| [(format!("links/{at}/label"), label.clone()), (format!("links/{at}/url"), url.clone())]);
        let named: Vec<_> = subjects.map(|(name, subject)| (name.to_owned(), subject)).into_iter().chain(of_links).collect();
        let fields: Vec<_> = named.iter().map(|(name, subject)| Field { name, subject, missing: subject }).collect();
        Faults::of(error, &fields)
    }

    /// The links, and room for more.
    fn rows(&self) -> Vec<(String, String)> {
        let rows = (self.links.len() + LINKS_MORE).min(LINKS_MAX);
        let mut links = self.links.clone();
        links.resize(rows, <_>::default());
        links
    }
}

/// A colour of the picture, and whether what it is used for can be read.
#[derive(Serialize)]
struct Shown {
    color: Color,
    /// What holds when nothing is chosen.
    otherwise: Color,
    ratio: String,
    is_readable: bool,
    /// What its contrast is measured against.
    against: String,
}

impl Shown {
    fn of(entered: &str, otherwise: Color, scheme: &Scheme) -> Self {
        let color = Color::parse(entered).unwrap_or(otherwise);
        let against: Vec<String> = scheme.against().into_iter().map(String::from).collect();
        Self {
            color,
            otherwise,
            ratio: scheme.ratio(color),
            is_readable: scheme.contrast(color) >= CONTRAST_MIN,
            against: against.join(" "),
        }
    }
}

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    ask(&app, &staff, None, &Faults::default()).await
}

pub async fn submit(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::SystemWrite)?;
    let entered = Entered::sent(&members);
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = brand::lock(&mut tx).await?;
    if members.text("version") != before.version.to_string() {
        drop(tx);
        return ask(&app, &staff, Some(entered), &Faults::at("name", now().word("branding-changed-since"))).await;
    }
    let outcome = match entered.chosen() {
        Ok(chosen) => branding::set(&mut tx, before, chosen).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => {
            tx.commit().await?;
            brand::forget(&app);
            html::done(&app, HERE, Notice::Saved)
        }
        Err(error) => {
            drop(tx);
            ask(&app, &staff, Some(entered), &Entered::faults(error)?).await
        }
    }
}

/// The form again, with a picture of what stands in it. Nothing is changed.
pub async fn submit_preview(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::SystemWrite)?;
    let entered = Entered::sent(&members);
    let faults = match entered.chosen().and_then(|chosen| Ok(branding::judge(chosen)?)) {
        Ok(_) => Faults::default(),
        Err(error) => Entered::faults(error)?,
    };
    ask(&app, &staff, Some(entered), &faults).await
}

/// The colours of the picture.
pub async fn show_styles(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let settings = &app.config.branding;
    let color = |name: &str, otherwise| parameters.get(name).and_then(Color::parse).unwrap_or(otherwise);
    let styles = brand::picture(color("light", settings.color), color("dark", settings.color_dark));
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], styles).into_response())
}

async fn ask(app: &App, staff: &Staff, entered: Option<Entered>, faults: &Faults) -> AppResult<Response> {
    let mut tx = staff.begin(app).await?;
    let standing = brand::read(&mut tx).await?;
    tx.commit().await?;
    let is_tried = entered.is_some() && faults.is_empty();
    let entered = entered.unwrap_or_else(|| Entered::of(&standing.chosen));
    let settings = &app.config.branding;
    let light = Shown::of(entered.field("color"), settings.color, &LIGHT);
    let dark = Shown::of(entered.field("color_dark"), settings.color_dark, &DARK);
    let (light_color, dark_color) = (light.color.to_string(), dark.color.to_string());
    let styles_url = parameters::address(&format!("{HERE}/preview.css"), [("light", &*light_color), ("dark", &*dark_color)]);
    let values = context! {
        said => Serde(&entered.fields), links => entered.rows(), reason => entered.reason.as_str(), is_tried => is_tried,
        light => Serde(light), dark => Serde(dark), preview_url => styles_url, otherwise_name => settings.name.as_str(),
        version => standing.version, updated_at => Serde(standing.updated_at), is_chosen => is_chosen(&standing),
        may_edit => staff.may(Permission::SystemWrite), logo => logo(app, standing), contrast_min => CONTRAST_MIN,
    };
    staff.page(app, HERE, PAGE, values, faults)
}

fn is_chosen(standing: &Standing) -> bool {
    standing.chosen != Chosen::default() || standing.logo.is_some()
}

/// That which is kept, which may be newer than that of the page.
fn logo(app: &App, standing: Standing) -> Option<Value> {
    let brand = Brand::of(&app.config.branding, standing);
    let logo = brand.logo.as_ref()?;
    Some(context! { url => logo.url(), width => logo.width, height => logo.height, is_wordmark => brand.has_wordmark() })
}

pub async fn submit_logo(State(app): State<App>, form: StaffUpload) -> AppResult<Response> {
    let StaffUpload { staff, members, file } = form;
    staff.require(Permission::SystemWrite)?;
    let origin = staff.origin_because(&members);
    let taken = match file {
        Ok(file) if file.is_empty() => return ask(&app, &staff, None, &logo_fault(now().word("branding-logo-missing"))).await,
        Ok(file) => match Sent::of(file) {
            Ok(sent) => branding::set_logo(&app, &origin, sent).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match taken {
        Ok(_) => html::done(&app, HERE, Notice::Saved),
        Err(error) => ask(&app, &staff, None, &refusal(error)?).await,
    }
}

fn logo_fault(text: String) -> Faults {
    Faults::at("logo", text)
}

/// What is to be mended, at the field.
fn refusal(error: AppError) -> AppResult<Faults> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    match rejection.code {
        "body_too_large" => Ok(logo_fault(now().word("branding-logo-too-large"))),
        "invalid_image" | "image_too_large" | "image_too_small" => {
            Ok(logo_fault(now().problem(rejection.code, &rejection.detail)))
        }
        _ => Err(AppError::Rejected(rejection)),
    }
}

pub async fn show_removal(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    ask_to_end(&app, &staff, "logo", |standing| standing.logo.is_some()).await
}

pub async fn show_restore(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    ask_to_end(&app, &staff, "all", is_chosen).await
}

async fn ask_to_end(app: &App, staff: &Staff, what: &str, is_there: fn(&Standing) -> bool) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    let mut tx = staff.begin(app).await?;
    let standing = brand::read(&mut tx).await?;
    tx.commit().await?;
    if !is_there(&standing) {
        return Ok(see_other(HERE));
    }
    let values = context! { what => what, otherwise_name => app.config.branding.name.as_str(), logo => logo(app, standing) };
    staff.page(app, HERE, END_PAGE, values, &Faults::default())
}

pub async fn submit_removal(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = brand::lock(&mut tx).await?;
    branding::remove_logo(&mut tx, &before).await?;
    tx.commit().await?;
    brand::forget(&app);
    html::done(&app, HERE, Notice::Removed)
}

pub async fn submit_restore(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = brand::lock(&mut tx).await?;
    branding::restore(&mut tx, before).await?;
    tx.commit().await?;
    brand::forget(&app);
    html::done(&app, HERE, Notice::Removed)
}
