//! Rules on users who have not been active for so many days, as they are written: what they say, and when they had their turn. What
//! comes of a turn is for `inactivity`.
//!
//! A rule can do no more than whoever wrote it last, and is made disabled: its preview shows what its run would do.

mod store;
mod terms;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use terms::Terms;

use crate::audit::{self, Event};
use crate::caller::{Authority, Permission, PermissionSet};
use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::InactivityRuleId;

/// So many rules at the most.
const RULES_MAX: i64 = 20;

/// What becomes of whoever stays away: a mail, once while they do; or they are suspended; or they go into the recycle bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InactivityAction")]
pub enum RuleAction {
    Warn,
    Suspend,
    Delete,
}

impl RuleAction {
    pub const ALL: [Self; 3] = [Self::Warn, Self::Suspend, Self::Delete];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Suspend => "suspend",
            Self::Delete => "delete",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    /// What doing it to a user takes.
    pub fn permission(self) -> Permission {
        match self {
            Self::Warn | Self::Suspend => Permission::UsersWrite,
            Self::Delete => Permission::UsersDelete,
        }
    }

    fn require(self, by: Authority) -> Result<(), Rejection> {
        let needed = self.permission();
        if by.permissions.contains(needed) {
            return Ok(());
        }
        Err(Rejection::forbidden(format!("This needs the permission {} too.", needed.name())))
    }
}

/// A rule on users who have not been active.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "InactivityRule", extend("example" = example()))]
pub struct Rule {
    pub id: InactivityRuleId,
    /// Unique, whatever its case.
    pub name: String,
    pub action: RuleAction,
    /// More than so many whole days lie between the last day of a user and today.
    pub after_days: i32,
    /// Whom it is about, in canonical form; `null` is everybody.
    pub filter: Option<String>,
    /// Whom it is not about, in canonical form; `null` is nobody.
    pub exempt: Option<String>,
    /// Only who was warned at least so many days ago and was not active since.
    pub warned_days: Option<i32>,
    /// Whether it does anything by itself.
    pub enabled: bool,
    /// Those of whoever wrote it last: it can do no more.
    pub permissions: Vec<Permission>,
    /// The last day on which it had its turn.
    pub last_run_on: Option<Date>,
    /// The newest run in bulk that it has begun.
    pub last_run_id: Option<Uuid>,
    /// Why it began none in its last turn, although it should have.
    pub last_error: Option<String>,
    /// Raised by every change of the rule, but not by its turns; the `ETag`.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What the documentation shows.
fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "Gone for a year", "action": "delete", "after_days": 365,
        "filter": null, "exempt": "roles eq \"admin\"", "warned_days": 30, "enabled": true,
        "permissions": ["users:read", "users:delete", "inactivity:write"], "last_run_on": "2026-03-01",
        "last_run_id": "0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e", "last_error": null, "version": 2,
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    })
}

impl Rule {
    /// What it can do at most.
    pub fn permission_set(&self) -> PermissionSet {
        self.permissions.iter().copied().collect()
    }
}

/// Creates a rule with the permissions of whoever writes it.
pub async fn create(tx: &mut Tx, by: Authority, terms: Terms) -> AppResult<Rule> {
    let id = InactivityRuleId::new(tx.now());
    insert(tx, by, id, terms).await
}

/// Writes a rule under this id: one that was deleted comes back under its own, and whom it has warned is warned. It can do what whoever
/// writes it may do.
pub async fn insert(tx: &mut Tx, by: Authority, id: InactivityRuleId, terms: Terms) -> AppResult<Rule> {
    let terms = terms.settle(tx, by).await?;
    store::lock_rules(tx).await?;
    if store::count_rules(tx).await? >= RULES_MAX {
        let detail = format!("There are {RULES_MAX} rules already: delete one first.");
        return Err(Rejection::conflict("too_many_rules", detail).into());
    }
    store::insert_rule(tx, id, &terms, by.permissions)
        .await
        .on_constraint("inactivity_rules_pkey", || Rejection::conflict("invalid_state", "It is being undone already."))
        .on_constraint("inactivity_rules_name_key", name_taken)?;
    let rule = read(tx, id).await?;
    audit::record(tx, Event::success("inactivity_rule.created").on("inactivity_rule", id).changed(&(), &rule)).await?;
    Ok(rule)
}

/// All of them, by their names.
pub async fn list(tx: &mut Tx) -> DbResult<Vec<Rule>> {
    store::list_rules(tx).await
}

/// The rule, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, id: InactivityRuleId) -> AppResult<Rule> {
    store::find_rule(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// The rule of this name, if there is one.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> DbResult<Option<InactivityRuleId>> {
    store::find_by_name(tx, name).await
}

/// Locks the rule for a change by somebody who may do what it does.
pub async fn lock(tx: &mut Tx, by: Authority, id: InactivityRuleId) -> AppResult<Rule> {
    store::lock_rule(tx, id).await?;
    let rule = read(tx, id).await?;
    rule.action.require(by)?;
    Ok(rule)
}

/// Changes a rule that is locked. From here on it can do what whoever changes it may do.
pub async fn update(tx: &mut Tx, by: Authority, before: &Rule, terms: Terms) -> AppResult<Rule> {
    let terms = terms.settle(tx, by).await?;
    let update = store::update_rule(tx, before.id, &terms, by.permissions).await;
    update.on_constraint("inactivity_rules_name_key", name_taken)?;
    let rule = read(tx, before.id).await?;
    audit::record(tx, Event::success("inactivity_rule.updated").on("inactivity_rule", rule.id).changed(before, &rule)).await?;
    Ok(rule)
}

/// Deletes a rule that is locked. Whom it has warned stays warned; a run that goes on goes on.
pub async fn delete(tx: &mut Tx, rule: &Rule) -> AppResult<()> {
    store::delete_rule(tx, rule.id).await?;
    audit::record(tx, Event::success("inactivity_rule.deleted").on("inactivity_rule", rule.id).changed(rule, &())).await?;
    Ok(())
}

/// Those that have turns.
pub async fn list_enabled(tx: &mut Tx) -> DbResult<Vec<InactivityRuleId>> {
    store::list_enabled(tx).await
}

/// Takes the rule's turn of the day. False when it has none: a run that somebody has halted, or that goes on, is ended first.
pub async fn take_turn(tx: &mut Tx, id: InactivityRuleId, today: Date) -> DbResult<bool> {
    store::update_last_run_on(tx, id, today).await
}

/// Notes the run that the turn has begun.
pub async fn note_run(tx: &mut Tx, id: InactivityRuleId, run: Uuid) -> DbResult<()> {
    store::update_last_run_id(tx, id, run).await
}

/// Notes why the turn has begun none.
pub async fn note_error(tx: &mut Tx, id: InactivityRuleId, error: &str) -> DbResult<()> {
    store::update_last_error(tx, id, error).await
}

fn name_taken() -> Rejection {
    let detail = "There is a rule of this name.";
    let error = FieldError::at_pointer("/name", "rule_name_taken", detail);
    Rejection { errors: vec![error], ..Rejection::conflict("rule_name_taken", detail) }
}
