//! Rules on users who are not active: which there are, one of them, its form, and what it would do today.

mod acts;
mod form;
mod list;

use serde::Deserialize;

pub use acts::{preview, show_act, submit_act};
pub use form::{show_edit, show_new, submit_edit, submit_new};
pub use list::{list, show};

use super::staff::Staff;
use crate::app::App;
use crate::caller::Permission;
use crate::error::AppResult;
use crate::id::InactivityRuleId;
use crate::inactivity::{self, Rule};
use crate::languages::now;

const HERE: &str = "/admin/inactivity";

#[derive(Deserialize)]
pub struct RulePath {
    id: InactivityRuleId,
}

fn way(id: InactivityRuleId) -> String {
    format!("{HERE}/{id}")
}

async fn look_up(app: &App, staff: &Staff, id: InactivityRuleId) -> AppResult<Rule> {
    let mut tx = staff.begin(app).await?;
    let rule = inactivity::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(rule)
}

/// Who may change the rule may also do what it does.
fn may_change(staff: &Staff, rule: &Rule) -> bool {
    staff.may(Permission::InactivityWrite) && staff.may(rule.action.permission())
}

/// The pages above one that is about a rule.
fn trail(rule: &Rule) -> Vec<(String, String)> {
    vec![(HERE.to_owned(), now().word("console-place-inactivity")), (way(rule.id), rule.name.clone())]
}
