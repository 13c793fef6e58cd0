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
    about: Vec<Piece>,
    told: Vec<Piece>,
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
    let shown = |setting: &InForce| Shown {
        about: pieces(setting.description),
        told: pieces(setting.default_told.unwrap_or_default()),
        setting: setting.clone(),
    };
    let chapter = |section: Section| {
        let title = section.title();
        let of_it = all.iter().filter(|setting| setting.section == title && (setting.changed || !only_changed));
        Chapter { id: title.to_lowercase().replace(' ', "-"), settings: of_it.map(shown).collect() }
    };
    let chapters: Vec<_> = Section::ALL.into_iter().map(chapter).filter(|chapter| !chapter.settings.is_empty()).collect();
    let values = context! {
        chapters => Serde(chapters), only_changed => only_changed, changed => changed, all => all.len(),
        warnings => Serde(&app.config.report.warnings),
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
}
