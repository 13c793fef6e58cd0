//! Sign-up. The answer is the same whoever has the address already: its owner learns of the attempt by mail, the one who asks
//! learns nothing. An account whose address is not verified gives no rights to it: signing up again takes it over.

mod api;

#[cfg(test)]
mod tests;

use serde_json::Map;

pub use api::router;

use crate::app::App;
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

/// Signs somebody up under the hash of their password.
pub async fn register(tx: &mut Tx, sign_up: &SignUp<'_>, phc: &str) -> AppResult<()> {
    emails::lock(tx, sign_up.email).await?;
    match emails::find(tx, sign_up.email).await? {
        None => create(tx, sign_up, phc).await,
        Some(email) => {
            let user = users::find(tx, email.user_id).await?;
            match user {
                // An unverified sign-up gives no rights to the address: whoever asks now starts afresh.
                Some(user) if user.status == UserStatus::Pending && password::find(tx, user.id).await?.is_some() => {
                    take_over(tx, user.id, sign_up, phc).await
                }
                Some(user) if user.status == UserStatus::Deleted => Ok(()),
                _ => mails::request(tx, Template::AlreadyRegistered, email.user_id).await,
            }
        }
    }
}

async fn create(tx: &mut Tx, sign_up: &SignUp<'_>, phc: &str) -> AppResult<()> {
    let new = NewUser {
        email: sign_up.email,
        verified: false,
        username: sign_up.username,
        if_username_taken: IfTaken::Generate,
        profile: sign_up.profile,
        attributes: &Map::new(),
        roles: &[RoleName::from(roles::USER)],
    };
    let user = users::create(tx, Authority::operator(), new).await?;
    password::set(tx, user.id, phc).await?;
    audit::record(tx, Event::success("user.registered").on("user", user.id)).await?;
    mails::request(tx, Template::VerifyEmail, user.id).await
}

/// The earlier sign-up's password and links are worth nothing any more; a new link goes to the address.
async fn take_over(tx: &mut Tx, id: UserId, sign_up: &SignUp<'_>, phc: &str) -> AppResult<()> {
    one_time_tokens::expire_all(tx, id).await?;
    emails::respell(tx, sign_up.email).await?;
    users::start_afresh(tx, id, sign_up.username, sign_up.profile).await?;
    password::set(tx, id, phc).await?;
    audit::record(tx, Event::success("user.registered").on("user", id).detail("again", true)).await?;
    mails::request(tx, Template::VerifyEmail, id).await
}
