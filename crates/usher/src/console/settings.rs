//! The settings in force, to be read: they come from the environment and are changed there.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::parameters::Parameters;
use super::staff::Staff;
use crate::app::App;
use crate::caller::Permission;
use crate::config::Section;
use crate::error::AppResult;
use crate::html::Faults;
use crate::languages::{self, Language};
use crate::settings::{self, InForce};

const HERE: &str = "/admin/settings";
const PAGE: &str = "console/settings.html";

/// A chapter of settings.
#[derive(Serialize)]
struct Chapter {
    id: String,
    settings: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    setting: InForce,
    about: Text,
    /// What holds when nobody sets it, where that is no value.
    told: Option<Text>,
}

#[derive(Serialize)]
struct Warning<'a> {
    variable: &'a str,
    message: Text,
}

/// What is said to the reader: in their language, or else in English.
#[derive(Serialize)]
struct Text {
    pieces: Vec<Piece>,
    /// It is English, and their language is not.
    is_foreign: bool,
}

impl Text {
    fn new(own: Option<&str>, english: &str) -> Self {
        let is_foreign = own.is_none() && languages::now() != Language::ENGLISH;
        Self { pieces: pieces(own.unwrap_or(english)), is_foreign }
    }
}

/// A piece of a text that is Markdown, as far as the table of settings uses it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Piece {
    text: String,
    is_code: bool,
}

fn pieces(markdown: &str) -> Vec<Piece> {
    let pieces = markdown.split('`').enumerate();
    pieces.filter(|(_, text)| !text.is_empty()).map(|(at, text)| Piece { text: text.to_owned(), is_code: at % 2 == 1 }).collect()
}

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let only_changed = parameters.get("show") == Some("changed");
    let all = settings::list(&app.config);
    let changed = all.iter().filter(|setting| setting.changed).count();
    let language = languages::now();
    let shown = |setting: &InForce| Shown {
        about: Text::new(language.setting_about(setting.name).as_deref(), setting.description),
        told: setting.default_told.map(|told| Text::new(language.setting_default(setting.name).as_deref(), told)),
        setting: setting.clone(),
    };
    let chapter = |section: Section| {
        let title = section.title();
        let of_it = all.iter().filter(|setting| setting.section == title && (setting.changed || !only_changed));
        Chapter { id: title.to_lowercase().replace(' ', "-"), settings: of_it.map(shown).collect() }
    };
    let chapters: Vec<_> = Section::ALL.into_iter().map(chapter).filter(|chapter| !chapter.settings.is_empty()).collect();
    let warnings = app.config.report.warnings.iter().map(|warning| Warning {
        variable: &warning.variable,
        message: Text::new(language.setting_warning(&warning.message).as_deref(), &warning.message),
    });
    let values = context! {
        chapters => Serde(chapters), only_changed => only_changed, changed => changed, all => all.len(),
        warnings => Serde(warnings.collect::<Vec<_>>()),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_a_description_is_told_from_words() {
        let piece = |text: &str, is_code| Piece { text: text.to_owned(), is_code };
        assert_eq!(pieces("`a` and `b`."), [piece("a", true), piece(" and ", false), piece("b", true), piece(".", false)]);
        assert_eq!(pieces(""), []);
    }

    #[tokio::test]
    async fn english_is_marked_for_who_reads_another_language() {
        let is_foreign = |own: Option<&str>| Text::new(own, "none").is_foreign;
        assert!(!is_foreign(None));
        let german = Language::of("de").unwrap();
        let marked = languages::speaking(german, async { (is_foreign(None), is_foreign(Some("keine"))) }).await;
        assert_eq!(marked, (true, false));
    }
}
