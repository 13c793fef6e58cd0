//! The administration of rules on inactivity, and their dry run.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rule, RuleAction, Terms};
use crate::app::App;
use crate::bulk::{self, Preview};
use crate::caller::{Caller, Permission};
use crate::db::Tx;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::MergePatch;
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::output::{Answer, Created, NoContent, Tagged};
use crate::http::params::Path;
use crate::id::InactivityRuleId;
use crate::patch::Patch;
use crate::users::Name;

const READ: Access = Access::Holding(Permission::InactivityRead);
const WRITE: Access = Access::Holding(Permission::InactivityWrite);
const ONE: &str = "/v1/inactivity-rules/{id}";
const LACKS: &str = "The caller lacks the permission of the action, `users:write` or `users:delete` (`forbidden`).";
const TAKEN: &str = "There is a rule of this name (`rule_name_taken`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Inactivity", summary);
    Routes::new()
        .op(op(Method::GET, "/v1/inactivity-rules", READ, "List rules on inactivity").description("All of them, by their names."), list_inactivity_rules)
        .op(
            op(Method::POST, "/v1/inactivity-rules", WRITE, "Create a rule on inactivity")
                .description("It does nothing until it is enabled: see its preview first. It can do what its writer may do, and no more.")
                .fails(403, LACKS)
                .fails(409, TAKEN)
                .fails(409, "There are 20 rules already (`too_many_rules`)."),
            create_inactivity_rule,
        )
        .op(op(Method::GET, ONE, READ, "Read a rule on inactivity"), read_inactivity_rule)
        .op(
            op(Method::PATCH, ONE, WRITE, "Change a rule on inactivity")
                .description("From then on it can do what whoever changed it may do.")
                .fails(403, LACKS)
                .fails(409, TAKEN),
            update_inactivity_rule,
        )
        .op(
            op(Method::DELETE, ONE, WRITE, "Delete a rule on inactivity")
                .description("Whom it has warned stays warned. A run that it has begun goes on: pause it.")
                .fails(403, LACKS),
            delete_inactivity_rule,
        )
        .op(
            op(Method::POST, "/v1/inactivity-rules/{id}/preview", READ, "Preview a rule on inactivity")
                .description(
                    "The dry run: freezes whom it would hit now, and says what would come of it; nothing is done, whether it is enabled or not. It is a preview of a run in bulk, and can be run within an hour, with its token.",
                )
                .fails(403, "The caller lacks `users:read` or the permission of the action (`forbidden`)."),
            preview_inactivity_rule,
        )
}

#[derive(Deserialize, JsonSchema)]
struct RulePath {
    /// The rule's id.
    id: InactivityRuleId,
}

/// All rules.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InactivityRules")]
struct Rules {
    items: Vec<Rule>,
}

/// A rule to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewInactivityRule", extend("example" = serde_json::json!({
    "name": "Gone for a year", "action": "delete", "after_days": 365, "exempt": "roles eq \"admin\"", "warned_days": 30
})))]
pub struct NewRule {
    name: Name,
    action: RuleAction,
    /// More than so many whole days must lie between the last day of a user and today.
    #[schemars(range(min = 1, max = 3650))]
    after_days: i32,
    /// Whom it is about, as in `GET /v1/users`; everybody when left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 8192))]
    filter: Option<String>,
    /// Whom it is not about.
    #[serde(default)]
    #[schemars(length(min = 1, max = 8192))]
    exempt: Option<String>,
    /// Only who was warned at least so many days ago and was not active since. Needed by `delete`, and nothing that `warn` takes.
    #[serde(default)]
    #[schemars(range(min = 1, max = 365))]
    warned_days: Option<i32>,
    #[serde(default)]
    enabled: bool,
}

/// Changes of a rule: a field that is left out stays, `null` clears it (RFC 7396).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "InactivityRulePatch", extend("example" = serde_json::json!({ "enabled": true })))]
struct RulePatch {
    #[serde(default)]
    #[schemars(with = "Name")]
    name: Option<Name>,
    #[serde(default)]
    #[schemars(with = "RuleAction")]
    action: Option<RuleAction>,
    #[serde(default)]
    #[schemars(with = "i32", range(min = 1, max = 3650))]
    after_days: Option<i32>,
    #[serde(default)]
    #[schemars(length(min = 1, max = 8192))]
    filter: Patch<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = 8192))]
    exempt: Patch<String>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 365))]
    warned_days: Patch<i32>,
    #[serde(default)]
    #[schemars(with = "bool")]
    enabled: Option<bool>,
}

impl From<NewRule> for Terms {
    fn from(new: NewRule) -> Self {
        let NewRule { name, action, after_days, filter, exempt, warned_days, enabled } = new;
        Self { name: name.0, action, after_days, filter, exempt, warned_days, enabled }
    }
}

impl RulePatch {
    fn apply(self, to: &mut Terms) {
        if let Some(name) = self.name {
            to.name = name.0;
        }
        to.action = self.action.unwrap_or(to.action);
        to.after_days = self.after_days.unwrap_or(to.after_days);
        self.filter.apply(&mut to.filter);
        self.exempt.apply(&mut to.exempt);
        self.warned_days.apply(&mut to.warned_days);
        to.enabled = self.enabled.unwrap_or(to.enabled);
    }
}

async fn list_inactivity_rules(caller: Caller, State(app): State<App>) -> AppResult<Answer<Rules>> {
    let mut tx = app.begin(&caller.origin).await?;
    let items = super::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer(Rules { items }))
}

async fn create_inactivity_rule(caller: Caller, State(app): State<App>, request: Creating<NewRule>) -> AppResult<Created<Rule>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let rule = super::create(&mut tx, caller.authority(), request.body.clone().into()).await?;
    let answer = Created::new(format!("/v1/inactivity-rules/{}", rule.id), rule.version, &rule)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn read_inactivity_rule(caller: Caller, State(app): State<App>, Path(path): Path<RulePath>) -> AppResult<Tagged<Rule>> {
    let mut tx = app.begin(&caller.origin).await?;
    let rule = super::read(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(tagged(rule))
}

async fn update_inactivity_rule(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<RulePath>,
    if_match: IfMatch,
    MergePatch(changes): MergePatch<RulePatch>,
) -> AppResult<Tagged<Rule>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let mut terms = Terms::of(&before);
    changes.apply(&mut terms);
    let rule = super::update(&mut tx, caller.authority(), &before, terms).await?;
    tx.commit().await?;
    Ok(tagged(rule))
}

async fn delete_inactivity_rule(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<RulePath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, rule) = lock(&app, &caller, &path, &if_match).await?;
    super::delete(&mut tx, &rule).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn preview_inactivity_rule(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<RulePath>,
) -> AppResult<Created<Preview>> {
    let mut tx = app.begin(&caller.origin).await?;
    let rule = super::read(&mut tx, path.id).await?;
    caller.require(Permission::UsersRead)?;
    let (action, previewed) = super::preview(&mut tx, caller.authority(), &rule).await?;
    let preview = bulk::show_preview(&mut tx, &action, previewed).await?;
    tx.commit().await?;
    Created::unversioned(format!("/v1/bulk/{}", preview.run.id), &preview)
}

/// Every change begins so: the rule locked, the caller entitled, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &RulePath, if_match: &IfMatch) -> AppResult<(Tx, Rule)> {
    let mut tx = app.begin(&caller.origin).await?;
    let rule = super::lock(&mut tx, caller.authority(), path.id).await?;
    if_match.require(rule.version)?;
    Ok((tx, rule))
}

fn tagged(rule: Rule) -> Tagged<Rule> {
    Tagged { version: rule.version, body: rule }
}
