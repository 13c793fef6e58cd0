//! Recovery of a forgotten password, and the first password of a user whom an administrator has created. Nobody but the person
//! learns or chooses it. The new password ends every session and kills every link; it signs nobody in.

mod api;
mod jobs;
mod pages;
mod report;
mod store;

#[cfg(test)]
mod tests;

pub use api::router;
pub use jobs::register;
pub use pages::{asking, router as pages};
pub use report::report;

use serde_json::json;

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::UserStatus;
use crate::db::{Origin, Tx};
use crate::devices;
use crate::emails::{self, EmailAddress};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::password;
use crate::secret::{Purpose, SecretText};
use crate::users::{self, User};

/// Starts a recovery for a user, for an administrator or the operator: a link goes to the user's address.
pub async fn start(tx: &mut Tx, user: &User) -> AppResult<()> {
    let template = match user.status {
        UserStatus::Active => Template::ResetPassword,
        UserStatus::Pending => Template::Welcome,
        UserStatus::Suspended | UserStatus::Deleted => {
            let detail = "The user is suspended or deleted: reactivate or restore them first.";
            return Err(Rejection::conflict("invalid_state", detail).into());
        }
    };
    mails::request(tx, template, user.id).await?;
    let event = Event::success("password_reset.started").on("user", user.id);
    audit::record(tx, event.changed(&(), &json!({ "link": template.name() }))).await?;
    Ok(())
}

/// Notes that somebody has forgotten the password of this address. Whether it is anybody's is looked up after the answer.
async fn ask(app: &App, origin: &Origin, email: &EmailAddress) -> AppResult<()> {
    let mut tx = app.begin(origin).await?;
    crate::jobs::enqueue(&mut tx, jobs::FORGOT, &jobs::Forgot { address: email.normal().to_owned() }).await?;
    tx.commit().await?;
    Ok(())
}

/// Sets the password of the link's owner.
pub async fn redeem(app: &App, origin: &Origin, token: &SecretText, password: &SecretText) -> AppResult<()> {
    let user_id = owner(app, origin, token).await?;
    let phc = prepare(app, origin, user_id, password).await?;
    let mut tx = app.begin(origin).await?;
    let subject = match one_time_tokens::redeem(&mut tx, Purpose::ResetPassword, token).await {
        Ok(subject) => subject,
        Err(error) if error.code() == Some("invalid_token") => {
            one_time_tokens::redeem(&mut tx, Purpose::SetPassword, token).await?
        }
        Err(error) => return Err(error),
    };
    if subject.user_id != Some(user_id) {
        return Err(anyhow::anyhow!("a token changed its owner").into());
    }
    tx.act_as(user_id);
    let user = users::read(&mut tx, user_id).await?;
    if user.status == UserStatus::Pending && password::find(&mut tx, user_id).await?.is_some() {
        // A sign-up that its address never confirmed, perhaps somebody else's.
        users::wipe_sign_up(&mut tx, user_id).await?;
    }
    password::set(&mut tx, user_id, &phc).await?;
    one_time_tokens::expire_all(&mut tx, user_id).await?;
    users::end_all_sessions(&mut tx, user_id).await?;
    devices::forget_all(&mut tx, user_id).await?;
    users::clear_lock(&mut tx, user_id).await?;
    if let Some(email_id) = subject.email_id {
        // The link came by mail: whoever holds it reads the address's mail.
        emails::mark_verified(&mut tx, email_id).await?;
    }
    users::activate(&mut tx, user_id).await?;
    audit::record(&mut tx, Event::success("password.set").on("user", user_id)).await?;
    mails::request(&mut tx, Template::PasswordChanged, user_id).await?;
    tx.commit().await?;
    Ok(())
}

/// The address that the link's owner signs in with, for the password manager of who holds the link.
async fn address(app: &App, origin: &Origin, token: &SecretText) -> AppResult<Option<String>> {
    let user_id = match owner(app, origin, token).await {
        Ok(user_id) => user_id,
        Err(error) if error.code() == Some("invalid_token") => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut tx = app.begin(origin).await?;
    let user = users::read(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(user.email)
}

/// Whose link it is; it is used up only when the new password has been found good.
async fn owner(app: &App, origin: &Origin, token: &SecretText) -> AppResult<UserId> {
    let mut tx = app.begin(origin).await?;
    let owner = match one_time_tokens::find_owner(&mut tx, Purpose::ResetPassword, token).await? {
        Some(owner) => Some(owner),
        None => one_time_tokens::find_owner(&mut tx, Purpose::SetPassword, token).await?,
    };
    tx.commit().await?;
    owner.ok_or_else(|| one_time_tokens::invalid().into())
}

async fn prepare(app: &App, origin: &Origin, user_id: UserId, password: &SecretText) -> AppResult<String> {
    let mut tx = app.begin(origin).await?;
    let user = users::read(&mut tx, user_id).await?;
    tx.commit().await?;
    password::prepare(app, origin.network(), password, &user.words()).await
}

/// Whether the link comes from an administrator's invitation, for the page's wording.
fn is_welcome(token: &str) -> bool {
    token.starts_with("ush_welcome_")
}
