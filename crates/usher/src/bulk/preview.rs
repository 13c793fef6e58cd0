//! What is looked at before a run: who is in the set, and what would come of them.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{Action, Item, Refusals, Run, USERS_MAX, store};
use crate::caller::Authority;
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::id::{UserId, new_uuid};
use crate::{attributes, roles, users};

/// Shown in a preview.
const SAMPLE: i64 = 20;

/// Whom it is done to.
pub enum Selection {
    Filter(String),
    Ids(Vec<UserId>),
    Inactive(Inactive),
}

/// Users who have not been active since a day.
#[derive(Clone, Debug)]
pub struct Inactive {
    /// Their last day is before this one; asked again when their turn comes.
    pub before: Date,
    /// Whom it is about; everybody without one.
    pub filter: Option<String>,
    /// Whom it is not about.
    pub exempt: Option<String>,
    /// Only who was mailed a warning before this day, and was not active since.
    pub warned_before: Option<Date>,
}

impl Inactive {
    /// Both filters as one, to be shown.
    fn as_filter(&self) -> Option<String> {
        match (&self.filter, &self.exempt) {
            (Some(filter), Some(exempt)) => Some(format!("({filter}) and not({exempt})")),
            (Some(filter), None) => Some(filter.clone()),
            (None, Some(exempt)) => Some(format!("not({exempt})")),
            (None, None) => None,
        }
    }
}

impl Selection {
    /// The filter that is shown with the run, and since when its users have not been active.
    pub(super) fn shown(&self) -> (Option<String>, Option<Date>) {
        match self {
            Self::Filter(filter) => (Some(filter.clone()), None),
            Self::Ids(_) => (None, None),
            Self::Inactive(who) => (who.as_filter(), Some(who.before)),
        }
    }
}

/// What would come of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BulkPreview")]
pub struct Preview {
    #[serde(flatten)]
    pub run: Run,
    /// What it is begun with.
    pub token: String,
    /// The first of them.
    pub sample: Vec<Item>,
    pub refusals: Vec<Refusals>,
    /// Mails that would go out.
    pub mails: i64,
}

/// Freezes the set and says what would come of it. Returns the run and the token to begin it with.
pub async fn preview(tx: &mut Tx, by: Authority, action: &Action, selection: &Selection) -> AppResult<(Uuid, String)> {
    action.require(by.permissions)?;
    if let Some(role) = action.role() {
        let unknown = || Rejection::invalid_field("/role", "unknown_role", "There is no role of this name.");
        let role = roles::find(tx, role.as_str()).await.map_err(|_| unknown())?;
        by.to_grant(role.permissions.iter().copied().collect())?;
        roles::require_future(tx, action.end())?;
    }
    let (mut schema, mut is_for_one) = (None, false);
    if let Action::SetAttributes { attributes } = action {
        let current = attributes::current(tx).await?;
        current.check_patch(attributes)?;
        is_for_one = current.unique_among(attributes).next().is_some();
        schema = Some(current);
    }
    let (id, token) = (new_uuid(tx.now()), new_token());
    store::insert_run(tx, id, by, action, selection, &token).await?;
    let mut counts = store::freeze(tx, id, by, (action, schema.as_deref()), selection).await?;
    if counts.total() > USERS_MAX {
        let detail = format!("More than {USERS_MAX} users fit: narrow it down");
        return Err(Rejection::invalid_field("/filter", "too_many_users", detail).into());
    }
    if users::may_take_admins(action.change().as_ref()) {
        let spared = store::spare_the_last_admin(tx, id).await?;
        counts.to_do -= spared;
        counts.refused += spared;
    }
    if is_for_one {
        let spared = store::spare_a_unique_value(tx, id).await?;
        counts.to_do -= spared;
        counts.refused += spared;
    }
    store::update_total(tx, id, counts).await?;
    Ok((id, token))
}

/// 128 bits: says that this very preview was seen.
fn new_token() -> String {
    Uuid::from_bytes(crate::secret::random_bytes()).simple().to_string()
}

/// The preview as it is shown to whoever asked for it.
pub async fn show_preview(tx: &mut Tx, action: &Action, (id, token): (Uuid, String)) -> AppResult<Preview> {
    let run = super::read(tx, id).await?;
    let sample = store::list_items(tx, id, None, None, SAMPLE).await?;
    let refusals = store::count_refusals(tx, id).await?;
    let mails = if action.mails() { run.counts.to_do } else { 0 };
    Ok(Preview { run, token, sample, refusals, mails })
}
