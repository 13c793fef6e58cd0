//! Sign-up. The answer is the same whoever has the address already, and takes as long: the request leaves a job that looks the
//! address up. Its owner learns of the attempt by mail, the one who asks learns nothing. An account whose address is not
//! verified gives no rights to it: signing up again takes it over.

mod api;
mod jobs;
mod pages;

#[cfg(test)]
mod tests;

use serde_json::Map;

pub use api::router;
pub use jobs::register;
pub use pages::router as pages;

use jobs::Waiting;

use crate::app::App;
use crate::attributes;
use crate::audit::{self, Event};
use crate::caller::{Authority, UserStatus};
use crate::config::Registration;
use crate::db::Tx;
use crate::emails::{self, EmailAddress};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::mails::{self, Template};
use crate::network::Network;
use crate::one_time_tokens;
use crate::password;
use crate::roles::{self, RoleName};
use crate::secret::SecretText;
use crate::users::{self, IfTaken, NewUser, Profile, Username};

/// Somebody who signs up.
pub struct SignUp<'a> {
    pub email: &'a EmailAddress,
    pub password: &'a SecretText,
    pub username: Option<&'a Username>,
    pub profile: &'a Profile,
}

/// Whether people may sign up by themselves.
pub fn require_open(app: &App) -> Result<(), Rejection> {
    match app.config.server.registration {
        Registration::Open => Ok(()),
        Registration::Invite => Err(closed("Sign-up is by invitation only.")),
        Registration::Closed => Err(closed("Sign-up is closed.")),
    }
}

fn closed(detail: &str) -> Rejection {
    Rejection { code: "registration_closed", ..Rejection::forbidden(detail) }
}

/// Checks the password and hashes it. It costs the same whether the address is taken or not, and comes before any transaction.
pub async fn prepare(app: &App, from: Network, sign_up: &SignUp<'_>) -> AppResult<String> {
    let mut about = vec![sign_up.email.as_str()];
    about.extend(sign_up.username.map(Username::as_str));
    about.extend(sign_up.profile.names());
    password::prepare(app, from, sign_up.password, &about).await
}

/// Notes the sign-up in the transaction; it is done right after the commit.
pub async fn request(tx: &mut Tx, sign_up: &SignUp<'_>, phc: String) -> AppResult<()> {
    if attributes::lock(tx).await?.fit(Map::new()).is_err() {
        return Err(closed("Sign-up is closed: users need attributes that a sign-up does not give.").into());
    }
    let origin = tx.origin();
    let waiting = Waiting {
        email: sign_up.email.clone(),
        phc,
        username: sign_up.username.cloned(),
        profile: sign_up.profile.clone(),
        asked_at: tx.now(),
        request_id: origin.request_id.clone(),
        address: origin.address,
        user_agent: origin.user_agent.clone(),
    };
    crate::jobs::enqueue(tx, jobs::SIGN_UP, &waiting).await
}

/// Signs somebody up under the hash of their password, unless the address is somebody's.
async fn sign_up(tx: &mut Tx, waiting: &Waiting) -> AppResult<()> {
    emails::lock(tx, &waiting.email).await?;
    let Some(email) = emails::find(tx, &waiting.email).await? else { return create(tx, waiting).await };
    let Some(user) = users::find(tx, email.user_id).await? else { return Ok(()) };
    match (user.status, password::find_changed_at(tx, user.id).await?) {
        // Another sign-up has overtaken this one, and stands.
        (UserStatus::Pending, Some(at)) if at > tx.now() => Ok(()),
        // An unverified sign-up gives no rights to the address: whoever asks now starts afresh.
        (UserStatus::Pending, Some(_)) => take_over(tx, user.id, waiting).await,
        (UserStatus::Deleted, _) => Ok(()),
        _ => mails::request(tx, Template::AlreadyRegistered, user.id).await,
    }
}

async fn create(tx: &mut Tx, waiting: &Waiting) -> AppResult<()> {
    let new = NewUser {
        email: &waiting.email,
        verified: false,
        username: waiting.username.as_ref(),
        if_username_taken: IfTaken::Generate,
        profile: &waiting.profile,
        attributes: &Map::new(),
        roles: &[RoleName::from(roles::USER)],
    };
    let user = users::create(tx, Authority::operator(), new).await?;
    password::set(tx, user.id, &waiting.phc).await?;
    audit::record(tx, Event::success("user.registered").on("user", user.id)).await?;
    mails::request(tx, Template::VerifyEmail, user.id).await
}

/// The earlier sign-up's password and links are worth nothing any more; a new link goes to the address.
async fn take_over(tx: &mut Tx, id: UserId, waiting: &Waiting) -> AppResult<()> {
    one_time_tokens::expire_all(tx, id).await?;
    emails::respell(tx, &waiting.email).await?;
    users::start_afresh(tx, id, waiting.username.as_ref(), &waiting.profile).await?;
    password::set(tx, id, &waiting.phc).await?;
    audit::record(tx, Event::success("user.registered").on("user", id).detail("again", true)).await?;
    mails::request(tx, Template::VerifyEmail, id).await
}
