//! What is done to a rule, and what a rule would do.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use minijinja::{Value, context};
use serde::Deserialize;

use super::super::bulk::show_preview;
use super::super::question::Question;
use super::super::staff::{Staff, StaffForm};
use super::list::show_rule;
use super::{HERE, RulePath, look_up, may_change, trail, way};
use crate::app::App;
use crate::bulk;
use crate::caller::Permission;
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice};
use crate::http::params::Path;
use crate::id::InactivityRuleId;
use crate::inactivity::{self, Rule, Terms};
use crate::languages::now;

/// Something that can be done to a rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Enable,
    Disable,
    Delete,
}

const ACTS: [Act; 3] = [Act::Enable, Act::Disable, Act::Delete];

impl Act {
    /// As in its address.
    fn name(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Delete => "delete",
        }
    }

    fn button(self) -> String {
        match self {
            Self::Enable => now().word("inactivity-enable"),
            Self::Disable => now().word("inactivity-disable"),
            Self::Delete => now().word("console-delete"),
        }
    }

    /// What comes of it.
    fn means(self) -> String {
        match self {
            Self::Enable => now().word("inactivity-means-enable"),
            Self::Disable => now().word("inactivity-means-disable"),
            Self::Delete => now().word("inactivity-means-delete"),
        }
    }

    /// Whether it makes sense of a rule as it stands there.
    fn fits(self, rule: &Rule) -> bool {
        match self {
            Self::Enable => !rule.enabled,
            Self::Disable => rule.enabled,
            Self::Delete => true,
        }
    }

    async fn carry_out(self, tx: &mut Tx, staff: &Staff, rule: &Rule) -> AppResult<()> {
        if self == Self::Delete {
            return inactivity::delete(tx, rule).await;
        }
        let terms = Terms { enabled: self == Self::Enable, ..Terms::of(rule) };
        inactivity::update(tx, staff.authority(), rule, terms).await.map(drop)
    }

    fn question(self, rule: &Rule) -> Question {
        Question {
            trail: trail(rule),
            button: self.button(),
            takes: self == Self::Delete,
            means: self.means(),
            subject: rule.name.clone(),
            action: format!("{}/act/{}", way(rule.id), self.name()),
            ..Question::default()
        }
    }
}

/// Those that fit the rule and that whoever looks may do.
pub fn offered(staff: &Staff, rule: &Rule) -> Vec<Value> {
    if !may_change(staff, rule) {
        return Vec::new();
    }
    let shown = |act: Act| context! { name => act.name(), button => act.button(), takes => act == Act::Delete };
    ACTS.into_iter().filter(|act| act.fits(rule)).map(shown).collect()
}

#[derive(Deserialize)]
pub struct ActPath {
    id: InactivityRuleId,
    act: String,
}

fn find(name: &str) -> Result<Act, Rejection> {
    ACTS.into_iter().find(|act| act.name() == name).ok_or_else(Rejection::not_found)
}

pub async fn show_act(staff: Staff, Path(path): Path<ActPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InactivityWrite)?;
    let act = find(&path.act)?;
    let rule = look_up(&app, &staff, path.id).await?;
    staff.require(rule.action.permission())?;
    act.question(&rule).ask(&app, &staff, HERE, &Faults::default())
}

pub async fn submit_act(
    Path(path): Path<ActPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::InactivityWrite)?;
    let act = find(&path.act)?;
    match (carry_out(&app, &staff, act, path.id, &members).await, act) {
        (Ok(()), Act::Delete) => html::done(&app, HERE, Notice::Removed),
        (Ok(()), Act::Enable | Act::Disable) => html::done(&app, &way(path.id), Notice::Saved),
        (Err(error), _) => {
            let faults = at("reason", error)?;
            let rule = look_up(&app, &staff, path.id).await?;
            act.question(&rule).ask(&app, &staff, HERE, &faults)
        }
    }
}

async fn carry_out(app: &App, staff: &Staff, act: Act, id: InactivityRuleId, members: &Members) -> AppResult<()> {
    let mut tx = staff.begin_because(app, members).await?;
    let rule = inactivity::lock(&mut tx, staff.authority(), id).await?;
    act.carry_out(&mut tx, staff, &rule).await?;
    tx.commit().await?;
    Ok(())
}

/// A rule whose filter asks for an attribute that is not there any more: said on the page, to be mended by its form.
fn at(field: &str, error: AppError) -> AppResult<Faults> {
    match error {
        AppError::Rejected(rejection) if rejection.status == StatusCode::UNPROCESSABLE_ENTITY => {
            let said = rejection.errors.first().and_then(|fault| now().fault(&fault.code, &fault.detail));
            Ok(Faults::at(field, said.unwrap_or_else(|| AppError::Rejected(rejection).to_string())))
        }
        error => Err(error),
    }
}

/// The dry run: freezes whom the rule would hit now. It can be run within the hour, from the page that shows it.
pub async fn preview(
    Path(path): Path<RulePath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::InactivityRead)?;
    staff.require(Permission::UsersRead)?;
    let rule = look_up(&app, &staff, path.id).await?;
    staff.require(rule.action.permission())?;
    match make_preview(&app, &staff, &rule, &members).await {
        Ok(preview) => show_preview(&app, &staff, HERE, &trail(&rule), "", &preview),
        Err(error) => show_rule(&app, &staff, &rule, &at("preview", error)?),
    }
}

async fn make_preview(app: &App, staff: &Staff, rule: &Rule, members: &Members) -> AppResult<bulk::Preview> {
    let mut tx = staff.begin_because(app, members).await?;
    let (action, previewed) = inactivity::preview(&mut tx, staff.authority(), rule).await?;
    let preview = bulk::show_preview(&mut tx, &action, previewed).await?;
    tx.commit().await?;
    Ok(preview)
}
