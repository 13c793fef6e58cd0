//! Undoing that the words of a mail were edited, or that those count again which usher comes with.

use serde_json::json;

use super::definitions::{of_another_release, stands};
use super::undo::{changed_since, refused};
use super::{Undone, held};
use crate::app::App;
use crate::audit::AuditEvent;
use crate::db::Tx;
use crate::error::AppResult;
use crate::mails::texts::{self, Which};

const FIELD: &str = "text";

/// A text has no parts: as a whole it becomes what it was, or it stays.
pub async fn undo(app: &App, tx: &mut Tx, event: &AuditEvent) -> AppResult<Undone> {
    let names = event.target_id.as_deref().and_then(|id| id.split_once('/'));
    let Some(Ok(which)) = names.map(|(name, language)| Which::parse(name, language)) else { return Ok(of_another_release()) };
    let text = texts::lock(tx, which).await?;
    let Sides { was, made } = Sides::of(event, &text.shipped);
    let is = text.entry.edited.then(|| text.text.clone());
    if is == was {
        return Ok(Undone::Unchanged);
    }
    if is != made {
        let made = made.as_ref().unwrap_or(&text.shipped);
        return Ok(stands(changed_since(None, FIELD, &json!(made), &json!(text.text))));
    }
    let Some(was) = was else {
        texts::restore(tx, which, &text).await?;
        return Ok(Undone::Reverted);
    };
    match texts::edit(app, tx, which, text, &was).await {
        Err(error) if error.code() == Some("invalid_body") => {
            Ok(stands(refused(None, FIELD, "No mail can be made from that text any more: edit it by hand.")))
        }
        edited => edited.map(|_| Undone::Reverted),
    }
}

/// The text before and after; `None` is the one that usher comes with, which may be another in this release.
struct Sides {
    was: Option<String>,
    made: Option<String>,
}

impl Sides {
    /// Where the event does not say whether the text before was an edited one, it was if usher comes with another.
    fn of(event: &AuditEvent, shipped: &str) -> Self {
        let (before, after): (String, String) = held::sides(&event.changes, FIELD).unwrap_or_default();
        let edited: Option<(bool, bool)> = held::sides(&event.changes, "edited");
        let was_edited = edited.map_or(before != shipped, |(before, _)| before);
        Self { was: was_edited.then_some(before), made: (event.action != "mail_text.restored").then_some(after) }
    }
}
