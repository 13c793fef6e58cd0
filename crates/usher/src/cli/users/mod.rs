//! `usher user`.

mod about;
mod list;

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::Map;
use zeroize::Zeroizing;

use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::db::{Origin, Tx};
use crate::emails::EmailAddress;
use crate::error::{AppError, AppResult};
use crate::hashing::Scheme;
use crate::mails::{self, Template};
use crate::password;
use crate::recovery;
use crate::roles::{self, RoleName};
use crate::second_factors;
use crate::secret::SecretText;
use crate::users::{self, ChangeOfStanding, IfTaken, Name, NewUser, Profile, User, Username};

#[derive(Subcommand)]
pub enum Command {
    /// Create a user; they get a mail to choose their password, unless one is given on standard input
    Create(Create),
    /// List users, newest first
    List(list::List),
    /// Show a user, as they are or as they were at a time
    Show(Show),
    /// Show what has happened to a user, field by field, newest first
    History(about::Past),
    /// Show how a user's attempts to sign in went in the last 30 days, and why, newest first
    SignIns(about::Past),
    /// Show what a user may do, and why
    Permissions(about::Permissions),
    /// Bar a user from signing in and end their sessions
    Suspend(Who),
    /// Let a suspended user sign in again
    Reactivate(Who),
    /// End the lock after wrong passwords
    Unlock(Who),
    /// Put a user into the recycle bin for 30 days and end their sessions
    Delete(Who),
    /// Take a user out of the recycle bin
    Restore(Who),
    /// Give a user exactly these roles
    SetRole(SetRole),
    /// Mail a user a link to choose a new password
    ResetPassword(Who),
    /// Take a user's second factors away who has lost them; their password alone signs them in then
    ResetSecondFactors(Who),
}

#[derive(Args)]
pub struct Create {
    /// The e-mail address
    #[arg(long)]
    email: String,
    /// Made up when left out
    #[arg(long)]
    username: Option<String>,
    #[arg(long)]
    display_name: Option<String>,
    /// May be given several times; `user` when left out
    #[arg(long = "role")]
    roles: Vec<String>,
    /// A JSON object
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// Read the password from standard input; the user is active at once and their address counts as verified
    #[arg(long)]
    password_stdin: bool,
    /// Read a password hash that another program made from standard input; it is verified at sign-in and made anew then
    #[arg(long, conflicts_with = "password_stdin")]
    password_hash_stdin: bool,
}

#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    who: Who,
    /// As they were at this time, such as 2030-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

#[derive(Args)]
pub struct Who {
    /// Id, user name or address
    user: String,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct SetRole {
    /// Id, user name or address
    user: String,
    /// Names of roles
    #[arg(required = true)]
    roles: Vec<String>,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = act(&running.app, command, json).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    match command {
        Command::Create(create) => show(&create_user(app, create).await?, json),
        Command::List(wanted) => list::list(app, wanted, json).await,
        Command::Show(Show { who, as_of: Some(at) }) => show(&about::as_of(app, &who.user, &at).await?, json),
        Command::Show(Show { who, as_of: None }) => {
            let mut tx = app.begin(&boot::operator(None)).await?;
            show(&find(&mut tx, &who.user).await?, json)
        }
        Command::History(past) => about::history(app, past, json).await,
        Command::SignIns(past) => about::sign_ins(app, past, json).await,
        Command::Permissions(asked) => about::list_permissions(app, asked, json).await,
        Command::SetRole(SetRole { user, roles, reason }) => {
            let roles: Vec<RoleName> = roles.iter().map(|name| RoleName::from(name.as_str())).collect();
            let (mut tx, before) = lock(app, Who { user, reason }).await?;
            let user = users::set_roles(&mut tx, Authority::operator(), &before, &roles).await?;
            tx.commit().await?;
            show(&user, json)
        }
        Command::ResetPassword(who) => {
            let (mut tx, user) = lock(app, who).await?;
            recovery::start(&mut tx, &user).await?;
            tx.commit().await?;
            say_or_show(&user, json, "A mail with a link to choose a new password is on its way.")
        }
        Command::ResetSecondFactors(who) => {
            let (mut tx, user) = lock(app, who).await?;
            second_factors::reset(&mut tx, Authority::operator(), user.id).await?;
            tx.commit().await?;
            say_or_show(&user, json, "The second factors are removed. A mail tells the user.")
        }
        Command::Suspend(who) => change(app, who, json, ChangeOfStanding::Suspend).await,
        Command::Reactivate(who) => change(app, who, json, ChangeOfStanding::Reactivate).await,
        Command::Unlock(who) => change(app, who, json, ChangeOfStanding::Unlock).await,
        Command::Delete(who) => change(app, who, json, ChangeOfStanding::Delete).await,
        Command::Restore(who) => change(app, who, json, ChangeOfStanding::Restore).await,
    }
}

async fn change(app: &App, who: Who, json: bool, change: ChangeOfStanding) -> Outcome {
    let (mut tx, before) = lock(app, who).await?;
    let user = users::change_standing(&mut tx, &before, change).await?;
    tx.commit().await?;
    show(&user, json)
}

async fn create_user(app: &App, create: Create) -> Result<User, Failure> {
    let email = EmailAddress::parse(&create.email).map_err(|why| Failure::usage(format!("--email {why}")))?;
    let username = create.username.as_deref().map(Username::parse).transpose();
    let username = username.map_err(|why| Failure::usage(format!("--username {why}")))?;
    let given: Vec<RoleName> = create.roles.iter().map(|name| RoleName::from(name.as_str())).collect();
    let roles = if given.is_empty() { vec![RoleName::from(roles::USER)] } else { given };
    let display_name = create.display_name.as_deref().map(Name::parse);
    let display_name = display_name.transpose().map_err(|why| Failure::usage(format!("--display-name {why}")))?;
    let profile = Profile { display_name, ..Profile::default() };
    let attributes = create.attributes.as_deref().map(serde_json::from_str::<Map<_, _>>).transpose();
    let attributes = attributes.map_err(|_| Failure::usage("--attributes must be a JSON object"))?.unwrap_or_default();
    users::check_attributes(&attributes).map_err(AppError::from)?;
    let origin = boot::operator(None);
    let phc = if create.password_stdin {
        Some(read_password(app, &origin, &email).await?)
    } else if create.password_hash_stdin {
        Some(read_password_hash(app)?)
    } else {
        None
    };
    let mut tx = app.begin(&origin).await?;
    let new = NewUser {
        email: &email,
        verified: phc.is_some(),
        username: username.as_ref(),
        if_username_taken: IfTaken::Refuse,
        profile: &profile,
        attributes: &attributes,
        roles: &roles,
    };
    let user = users::create(&mut tx, Authority::operator(), new).await?;
    match phc {
        Some(phc) => password::set(&mut tx, user.id, &phc).await?,
        None => mails::request(&mut tx, Template::Welcome, user.id).await?,
    }
    tx.commit().await?;
    Ok(user)
}

async fn read_password(app: &App, origin: &Origin, email: &EmailAddress) -> Result<String, Failure> {
    let password = read_line()?;
    Ok(password::prepare(app, origin.network(), &password, &[email.as_str()]).await?)
}

/// A hash that can be verified later; its password is not known, so the policy can't be asked.
fn read_password_hash(app: &App) -> Result<String, Failure> {
    let hash = read_line()?;
    let unfit = |why: String| Failure::usage(format!("the hash on standard input can't be used: {why}"));
    match app.hasher.recognise(hash.reveal()) {
        None => Err(unfit("it is of no scheme that usher knows; docs/operations.md lists them".to_owned())),
        Some(Scheme { name, obstacle: Some(obstacle) }) => Err(unfit(format!("it looks like {name}, but {obstacle}"))),
        Some(Scheme { obstacle: None, .. }) => Ok(hash.reveal().to_owned()),
    }
}

/// What stands on the standard input, without the end of its line.
fn read_line() -> Result<SecretText, Failure> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(8192).read_to_string(&mut text).map_err(anyhow::Error::from)?;
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn lock(app: &App, who: Who) -> AppResult<(Tx, User)> {
    let mut tx = app.begin(&boot::operator(who.reason)).await?;
    let user = find(&mut tx, &who.user).await?;
    let user = users::lock(&mut tx, Authority::operator(), user.id).await?;
    Ok((tx, user))
}

/// By id, address or user name.
pub(super) async fn find(tx: &mut Tx, who: &str) -> AppResult<User> {
    let user = match users::find_by_any(tx, who).await? {
        Some(id) => users::find(tx, id).await?,
        None => None,
    };
    user.ok_or_else(|| anyhow::anyhow!("there is no user {who}").into())
}

fn say_or_show(user: &User, json: bool, sentence: &str) -> Outcome {
    if json {
        return show(user, true);
    }
    output::say(sentence);
    Ok(())
}

fn show(user: &User, json: bool) -> Outcome {
    if json {
        return Ok(output::json(user)?);
    }
    let verified = if user.email_verified { "verified" } else { "not verified" };
    let optional = |text: &Option<Name>| text.as_ref().map_or_else(|| "-".to_owned(), |name| name.0.clone());
    output::fields(&[
        ("id", user.id.to_string()),
        ("user name", user.username.clone()),
        ("status", user.status.as_str().to_owned()),
        ("address", format!("{} ({verified})", user.email.as_deref().unwrap_or("none"))),
        ("name", optional(&user.profile.display_name)),
        ("roles", user.roles.join(" ")),
        ("created", output::time(user.created_at)),
        ("last sign-in", output::time_or(user.last_sign_in_at, "never")),
        ("locked until", output::time_or(user.locked_until, "-")),
        ("deleted", output::time_or(user.deleted_at, "-")),
        ("kept until", output::time_or(user.purge_after, "-")),
    ]);
    Ok(())
}
