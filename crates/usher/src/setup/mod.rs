//! The first administrator, who proves with a one-time token that they run this server. There is no default account.

mod api;
mod pages;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde_json::Map;

pub use api::router;
pub use pages::router as pages;

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::Authority;
use crate::db::{Actor, Origin, Tx};
use crate::emails::EmailAddress;
use crate::error::{AppResult, Rejection};
use crate::network::Network;
use crate::one_time_tokens::{self, Subject};
use crate::password;
use crate::roles::{self, RoleName};
use crate::secret::{Purpose, SecretText};
use crate::users::{self, IfTaken, NewUser, Profile, User, Username};

/// The administrator to be.
pub struct FirstAdmin<'a> {
    pub email: &'a EmailAddress,
    pub password: &'a SecretText,
    pub username: Option<&'a Username>,
    pub profile: &'a Profile,
}

/// Makes a new setup token, which kills older ones; `None` when there is an administrator already.
pub async fn issue_token(app: &App) -> AppResult<Option<SecretText>> {
    let mut tx = app.begin_as(Actor::System).await?;
    if roles::exists_admin(&mut tx).await? {
        return Ok(None);
    }
    let token = one_time_tokens::issue(&mut tx, Purpose::Setup, Subject::default()).await?;
    audit::record(&mut tx, Event::success("setup_token.issued")).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// Whether there is an administrator.
async fn is_done(app: &App, origin: &Origin) -> AppResult<bool> {
    let mut tx = app.begin(origin).await?;
    let is_done = roles::exists_admin(&mut tx).await?;
    tx.commit().await?;
    Ok(is_done)
}

/// Where the zero-config server leaves its setup token.
pub fn token_file(app: &App) -> PathBuf {
    app.config.data_dir.join("setup-token")
}

/// Removes the file of a token that has been used up.
pub async fn forget_token_file(app: &App) -> std::io::Result<()> {
    match tokio::fs::remove_file(token_file(app)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Checks the password and hashes it.
pub async fn prepare(app: &App, from: Network, first: &FirstAdmin<'_>) -> AppResult<String> {
    let mut about = vec![first.email.as_str()];
    about.extend(first.username.map(Username::as_str));
    about.extend(first.profile.names());
    password::prepare(app, from, first.password, &about).await
}

/// Creates the first administrator, active at once: the operator vouches for the address.
pub async fn set_up(tx: &mut Tx, token: &SecretText, first: &FirstAdmin<'_>, phc: &str) -> AppResult<User> {
    // The token is used up by one statement, so two set-ups at once can't both succeed.
    roles::lock_admins(tx).await?;
    if roles::exists_admin(tx).await? {
        return Err(Rejection::conflict("setup_done", "There is an administrator already: sign in.").into());
    }
    one_time_tokens::redeem(tx, Purpose::Setup, token).await?;
    let new = NewUser {
        email: first.email,
        verified: true,
        username: first.username,
        if_username_taken: IfTaken::Refuse,
        profile: first.profile,
        attributes: &Map::new(),
        roles: &[RoleName::from(roles::ADMIN), RoleName::from(roles::USER)],
    };
    let user = users::create(tx, Authority::operator(), new).await?;
    password::set(tx, user.id, phc).await?;
    audit::record(tx, Event::success("server.set_up").on("user", user.id)).await?;
    Ok(user)
}
