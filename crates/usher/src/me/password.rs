//! A new password, chosen by a person who is signed in.

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Device, Person};
use crate::emails;
use crate::error::{AppResult, FieldError, Rejection};
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::password;
use crate::secret::SecretText;
use crate::sessions::{self, Tokens};
use crate::sign_in::{self, Proof};
use crate::users::{self, User};

/// Changes the person's password, or sets their first one. Every session ends and every link dies; the person goes on
/// in a new session. Begins its transactions itself: none is open while a hash is computed.
pub async fn change(app: &App, person: &Person, current: Option<&SecretText>, new: &SecretText) -> AppResult<Tokens> {
    let mut tx = app.begin(&person.origin).await?;
    let user = users::read(&mut tx, person.user_id).await?;
    let has_password = password::find(&mut tx, user.id).await?.is_some();
    tx.commit().await?;
    let old = prove(app, person, &user, has_password, current).await?;
    let phc = password::prepare(app, new, &user.words()).await?;

    let mut tx = app.begin(&person.origin).await?;
    let user = users::lock(&mut tx, person.authority(), user.id).await?;
    if !password::change(&mut tx, user.id, old.as_deref(), &phc).await? {
        return Err(wrong_password().into());
    }
    one_time_tokens::expire_all(&mut tx, user.id).await?;
    emails::forget_pending(&mut tx, user.id).await?;
    users::end_all_sessions(&mut tx, user.id).await?;
    users::clear_lock(&mut tx, user.id).await?;
    audit::record(&mut tx, Event::success("password.changed").on("user", user.id)).await?;
    mails::request(&mut tx, Template::PasswordChanged, user.id).await?;
    let cleared = caller::ask(&mut tx, user.id, Act::SignIn { device: Device::Known }).await?;
    let cleared = cleared.map_err(|_| Rejection::token_refused())?;
    let tokens = sessions::replace(app, &mut tx, cleared, person.session_id).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// The hash that the present password fits; none when the person has no password.
async fn prove(
    app: &App,
    person: &Person,
    user: &User,
    has_password: bool,
    current: Option<&SecretText>,
) -> AppResult<Option<String>> {
    match (has_password, current) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(wrong_password().into()),
        (true, None) => {
            let detail = "is missing: this user has a password";
            Err(Rejection::invalid_field("/current_password", "required", detail).into())
        }
        (true, Some(current)) => match sign_in::verify_password(app, &person.origin, user.id, current).await? {
            Proof::Right(hash) => Ok(Some(hash)),
            Proof::Wrong => Err(wrong_password().into()),
            Proof::Refused => Err(locked(app, person).await?.into()),
        },
    }
}

fn wrong_password() -> Rejection {
    let detail = "This is not your present password.";
    let error = FieldError::at_pointer("/current_password", "wrong_password", detail);
    Rejection::unprocessable("wrong_password", vec![error], detail)
}

/// The lock is the same as at sign-in, and so is the way around it: a link that is mailed.
async fn locked(app: &App, person: &Person) -> AppResult<Rejection> {
    let mut tx = app.begin(&person.origin).await?;
    let user = users::read(&mut tx, person.user_id).await?;
    let seconds = user.locked_until.map_or(1, |until| until.duration_since(tx.now()).as_secs().max(1));
    tx.commit().await?;
    let detail = "Too many wrong passwords. Wait until the lock has ended, or ask for a link to choose a new password.";
    let rejection = Rejection::new(http::StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
    Ok(Rejection { retry_after_seconds: u32::try_from(seconds).ok(), ..rejection })
}
