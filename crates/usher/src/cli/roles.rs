//! `usher role`.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Failure, Outcome, boot, output, permissions};
use crate::app::App;
use crate::caller::{Authority, Permission};
use crate::config::Config;
use crate::db::Tx;
use crate::error::{AppError, AppResult};
use crate::http::body;
use crate::roles::{self, NewRole, Role, RolePatch};

#[derive(Subcommand)]
pub enum Command {
    /// List the roles and what they grant
    List,
    /// Show a role
    Show {
        /// The role's name
        name: String,
    },
    /// Create a role
    Create(Create),
    /// Change a role; what is left out stays
    Update(Update),
    /// Delete a role that nobody holds and no group carries
    Delete {
        /// The role's name
        name: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Args)]
pub struct Create {
    /// A lower-case letter, then lower-case letters, digits, `-` and `_`
    name: String,
    #[command(flatten)]
    members: Members,
}

#[derive(Args)]
pub struct Update {
    /// The role's name
    name: String,
    #[command(flatten)]
    members: Members,
    /// It shall grant nothing
    #[arg(long, conflicts_with = "permissions")]
    no_permissions: bool,
}

#[derive(Args)]
pub struct Members {
    #[arg(long)]
    description: Option<String>,
    /// These and no others; may be given several times. `usher permission list` shows what there is
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Whether who has the role must have a second factor
    #[arg(long, value_enum, value_name = "WHETHER")]
    second_factor: Option<Whether>,
    /// For so many days they go on without one, up to 90
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(0..=90))]
    grace_days: Option<i32>,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whether {
    Required,
    Optional,
}

impl Members {
    /// As the API takes them: what is left out is left out.
    fn as_body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut policy = Map::new();
        if let Some(description) = &self.description {
            body.insert("description".to_owned(), json!(description));
        }
        if !self.permissions.is_empty() {
            body.insert("permissions".to_owned(), json!(self.permissions));
        }
        if let Some(whether) = self.second_factor {
            policy.insert("required".to_owned(), json!(whether == Whether::Required));
        }
        if let Some(days) = self.grace_days {
            policy.insert("grace_days".to_owned(), json!(days));
        }
        if !policy.is_empty() {
            body.insert("second_factor".to_owned(), Value::Object(policy));
        }
        body
    }
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = act(&running.app, command, json).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    match command {
        Command::List => list(app, json).await,
        Command::Show { name } => {
            let mut tx = app.begin(&boot::operator(None)).await?;
            let role = known(&name, roles::find(&mut tx, &name).await)?;
            show(&role, json)
        }
        Command::Create(new) => create(app, &new, json).await,
        Command::Update(changes) => update(app, &changes, json).await,
        Command::Delete { name, reason } => {
            let (mut tx, role) = lock(app, &name, reason).await?;
            roles::delete(&mut tx, Authority::operator(), &role).await?;
            tx.commit().await?;
            output::say(format!("The role {name} is gone."));
            Ok(())
        }
    }
}

async fn create(app: &App, new: &Create, json: bool) -> Outcome {
    for name in &new.members.permissions {
        permissions::parse(name)?;
    }
    let mut wish = new.members.as_body();
    wish.insert("name".to_owned(), json!(new.name));
    wish.entry("permissions").or_insert_with(|| json!([]));
    if let Some(Value::Object(policy)) = wish.get_mut("second_factor") {
        policy.entry("required").or_insert(json!(false));
    }
    let NewRole { name, description, permissions, second_factor } =
        body::from_value(Value::Object(wish)).map_err(Failure::usage)?;
    let mut tx = app.begin(&boot::operator(new.members.reason.clone())).await?;
    let role = roles::create(&mut tx, Authority::operator(), &name, &description, &permissions, second_factor).await?;
    tx.commit().await?;
    show(&role, json)
}

async fn update(app: &App, changes: &Update, json: bool) -> Outcome {
    for name in &changes.members.permissions {
        permissions::parse(name)?;
    }
    let mut wish = changes.members.as_body();
    if changes.no_permissions {
        wish.insert("permissions".to_owned(), json!([]));
    }
    if wish.is_empty() {
        return Err(Failure::usage(
            "nothing to change: give --description, --permission, --no-permissions, --second-factor or --grace-days",
        ));
    }
    let RolePatch { description, permissions, second_factor } = body::from_value(Value::Object(wish)).map_err(Failure::usage)?;
    let (mut tx, before) = lock(app, &changes.name, changes.members.reason.clone()).await?;
    let role = roles::update(&mut tx, Authority::operator(), &before, description, permissions, second_factor).await?;
    tx.commit().await?;
    show(&role, json)
}

async fn lock(app: &App, name: &str, reason: Option<String>) -> AppResult<(Tx, Role)> {
    let mut tx = app.begin(&boot::operator(reason)).await?;
    let role = known(name, roles::lock(&mut tx, name).await)?;
    Ok((tx, role))
}

fn known(name: &str, found: AppResult<Role>) -> AppResult<Role> {
    found.map_err(|error| match error.code() {
        Some("not_found") => AppError::from(anyhow::anyhow!("there is no role {name}")),
        _ => error,
    })
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let roles = roles::list(&mut tx).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&roles)?);
    }
    let row = |role: &Role| vec![role.name.clone(), kind(role).to_owned(), names(role), role.description.clone()];
    output::table(&["name", "kind", "permissions", "description"], roles.iter().map(row).collect(), "There are no roles.");
    Ok(())
}

fn kind(role: &Role) -> &'static str {
    if role.built_in { "built in" } else { "custom" }
}

fn names(role: &Role) -> String {
    let names: Vec<_> = role.permissions.iter().map(|permission| Permission::name(*permission)).collect();
    names.join(" ")
}

fn show(role: &Role, json: bool) -> Outcome {
    if json {
        return Ok(output::json(role)?);
    }
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let policy = role.second_factor;
    let second_factor = match (policy.required, policy.grace_days) {
        (false, _) => "optional".to_owned(),
        (true, 0) => "required".to_owned(),
        (true, days) => format!("required after {days} days"),
    };
    output::fields(&[
        ("name", role.name.clone()),
        ("kind", kind(role).to_owned()),
        ("description", or_dash(role.description.clone())),
        ("permissions", or_dash(names(role))),
        ("second factor", second_factor),
        ("created", output::time(role.created_at)),
        ("updated", output::time(role.updated_at)),
    ]);
    Ok(())
}
