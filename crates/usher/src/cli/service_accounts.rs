//! `usher service-account`.

use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::{Failure, Outcome, boot, output, permissions};
use crate::api_keys::{self, ApiKey, KeyWish, NewApiKey};
use crate::app::App;
use crate::caller::{Authority, Permission, PermissionSet, Subject};
use crate::config::Config;
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::id::ApiKeyId;
use crate::service_accounts::{self, Changes, ServiceAccount, ServiceAccountName, Status};
use crate::users::Name;

#[derive(Subcommand)]
pub enum Command {
    /// List service accounts, newest first
    List,
    /// Show a service account
    Show(Which),
    /// Create a service account
    Create(Create),
    /// Give a service account exactly these permissions; what it loses, its keys lose
    SetPermissions(SetPermissions),
    /// Let none of its keys open anything until it is reactivated
    Suspend(Which),
    /// Let its keys work again
    Reactivate(Which),
    /// Delete a service account and its keys, for good
    Delete(Which),
    /// List the good API keys of a service account, newest first
    ListKeys(Which),
    /// Make an API key and print it, this once
    CreateKey(CreateKey),
    /// Revoke an API key
    RevokeKey(RevokeKey),
}

#[derive(Args)]
pub struct Which {
    /// Id or name
    account: String,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Create {
    /// A lower-case letter, then lower-case letters, digits, `-` and `_`
    name: String,
    #[arg(long, default_value = "")]
    description: String,
    /// May be given several times; `usher role list` shows what there is
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
}

#[derive(Args)]
pub struct SetPermissions {
    #[command(flatten)]
    which: Which,
    /// May be given several times; none takes all away
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
}

#[derive(Args)]
pub struct CreateKey {
    #[command(flatten)]
    which: Which,
    /// What the key is for
    #[arg(long)]
    name: String,
    /// May be given several times; all that the account holds when left out
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// How long it is good; 90 when left out
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=3650))]
    days: Option<i64>,
}

#[derive(Args)]
pub struct RevokeKey {
    #[command(flatten)]
    which: Which,
    /// The key's id
    key: String,
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
        Command::Show(which) => {
            let (_, account) = lock(app, which).await?;
            show(&account, json)
        }
        Command::Create(new) => show(&create(app, new).await?, json),
        Command::SetPermissions(SetPermissions { which, permissions }) => {
            let permissions = Some(parse(&permissions)?);
            let (mut tx, before) = lock(app, which).await?;
            let changes = Changes { permissions, ..Changes::default() };
            let account = service_accounts::update(&mut tx, Authority::operator(), &before, changes).await?;
            tx.commit().await?;
            show(&account, json)
        }
        Command::Suspend(which) => set_status(app, which, Status::Suspended, json).await,
        Command::Reactivate(which) => set_status(app, which, Status::Active, json).await,
        Command::Delete(which) => {
            let (mut tx, account) = lock(app, which).await?;
            service_accounts::delete(&mut tx, &account).await?;
            tx.commit().await?;
            output::say(format!("{} and its keys are gone.", account.name));
            Ok(())
        }
        Command::ListKeys(which) => list_keys(app, which, json).await,
        Command::CreateKey(wish) => show_key(&create_key(app, wish).await?, json),
        Command::RevokeKey(RevokeKey { which, key }) => revoke_key(app, which, &key).await,
    }
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let most = Limit::new(Limit::MAX).unwrap_or_default();
    let page = service_accounts::list(&mut tx, Authority::operator(), most, None).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&page.items)?);
    }
    let row = |account: &ServiceAccount| {
        vec![
            account.id.to_string(),
            account.name.clone(),
            account.status.as_str().to_owned(),
            names(&account.permissions),
            output::time(account.created_at),
        ]
    };
    let header = ["id", "name", "status", "permissions", "created"];
    output::table(&header, page.items.iter().map(row).collect(), "There are no service accounts.");
    if page.next.is_some() {
        output::say(format!("(the newest {})", page.items.len()));
    }
    Ok(())
}

async fn create(app: &App, new: Create) -> Result<ServiceAccount, Failure> {
    let name = ServiceAccountName::parse(&new.name).map_err(|why| Failure::usage(format!("the name {why}")))?;
    let permissions = parse(&new.permissions)?;
    let mut tx = app.begin(&boot::operator(None)).await?;
    let account = service_accounts::create(&mut tx, Authority::operator(), &name, &new.description, permissions).await?;
    tx.commit().await?;
    Ok(account)
}

async fn set_status(app: &App, which: Which, status: Status, json: bool) -> Outcome {
    let (mut tx, before) = lock(app, which).await?;
    let account = service_accounts::set_status(&mut tx, &before, status).await?;
    tx.commit().await?;
    show(&account, json)
}

async fn list_keys(app: &App, which: Which, json: bool) -> Outcome {
    let (mut tx, account) = lock(app, which).await?;
    let most = Limit::new(Limit::MAX).unwrap_or_default();
    let page = api_keys::list(&mut tx, Subject::ServiceAccount(account.id), most, None).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&page.items)?);
    }
    let row = |key: &ApiKey| {
        vec![
            key.id.to_string(),
            key.name.clone(),
            key.prefix.clone(),
            names(&key.permissions),
            output::time(key.expires_at),
            output::time_or(key.last_used_at, "never"),
        ]
    };
    let header = ["id", "name", "begins with", "permissions", "expires", "last used"];
    output::table(&header, page.items.iter().map(row).collect(), "There are no good keys.");
    Ok(())
}

async fn create_key(app: &App, create: CreateKey) -> Result<NewApiKey, Failure> {
    let name = Name::parse(&create.name).map_err(|why| Failure::usage(format!("--name {why}")))?;
    let permissions = match create.permissions.as_slice() {
        [] => None,
        given => Some(parse(given)?.iter().collect()),
    };
    let (mut tx, account) = lock(app, create.which).await?;
    let expires_at = create.days.map(|days| tx.now() + SignedDuration::from_hours(days * 24));
    let wish = KeyWish { name, permissions, expires_at };
    let made = service_accounts::create_key(app, &mut tx, Authority::operator(), &account, &wish).await?;
    tx.commit().await?;
    Ok(made)
}

async fn revoke_key(app: &App, which: Which, key: &str) -> Outcome {
    let id: ApiKeyId = key.parse().map_err(|_| Failure::usage("the key is named by its id: see list-keys"))?;
    let (mut tx, account) = lock(app, which).await?;
    match api_keys::revoke(&mut tx, Subject::ServiceAccount(account.id), id).await {
        Err(error) if error.code() == Some("not_found") => {
            let message = format!("{} has no good key {id}: see list-keys", account.name);
            return Err(anyhow::Error::msg(message).into());
        }
        revoked => revoked?,
    }
    tx.commit().await?;
    output::say("The key opens nothing any more.");
    Ok(())
}

async fn lock(app: &App, which: Which) -> AppResult<(Tx, ServiceAccount)> {
    let mut tx = app.begin(&boot::operator(which.reason)).await?;
    let id = match which.account.parse() {
        Ok(id) => Some(id),
        Err(_) => service_accounts::find_by_name(&mut tx, &which.account).await?,
    };
    let Some(id) = id else { return Err(unknown(&which.account)) };
    match service_accounts::lock(&mut tx, Authority::operator(), id).await {
        Err(error) if error.code() == Some("not_found") => Err(unknown(&which.account)),
        account => Ok((tx, account?)),
    }
}

fn unknown(account: &str) -> crate::error::AppError {
    anyhow::anyhow!("there is no service account {account}").into()
}

fn parse(names: &[String]) -> Result<PermissionSet, Failure> {
    names.iter().map(|name| permissions::parse(name)).collect()
}

fn names(permissions: &[Permission]) -> String {
    let names: Vec<_> = permissions.iter().map(|permission| permission.name()).collect();
    names.join(" ")
}

fn show(account: &ServiceAccount, json: bool) -> Outcome {
    if json {
        return Ok(output::json(account)?);
    }
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    output::fields(&[
        ("id", account.id.to_string()),
        ("name", account.name.clone()),
        ("description", or_dash(account.description.clone())),
        ("status", account.status.as_str().to_owned()),
        ("permissions", or_dash(names(&account.permissions))),
        ("created", output::time(account.created_at)),
    ]);
    Ok(())
}

fn show_key(made: &NewApiKey, json: bool) -> Outcome {
    if json {
        return Ok(output::json(made)?);
    }
    output::fields(&[
        ("id", made.api_key.id.to_string()),
        ("permissions", names(&made.api_key.permissions)),
        ("expires", output::time(made.api_key.expires_at)),
        ("key", made.key.clone()),
    ]);
    output::say("Keep the key now: it is not shown again.");
    Ok(())
}
