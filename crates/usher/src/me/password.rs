//! A new password, chosen by a person who is signed in.

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Cleared, Person};
use crate::db::Tx;
use crate::emails;
use crate::error::{AppResult, Rejection};
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::password;
use crate::secret::SecretText;
use crate::sessions::{self, BrowserSession, Tokens};
use crate::sign_in;
use crate::users;

const CURRENT: &str = "/current_password";

/// Changes the person's password, or sets their first one. Every session ends and every link dies; the person goes on
/// in a new session. Begins its transactions itself: none is open while a hash is computed.
pub async fn change(app: &App, person: &Person, current: Option<&SecretText>, new: &SecretText) -> AppResult<Tokens> {
    let (mut tx, cleared) = replace(app, person, current, new).await?;
    let tokens = sessions::replace(app, &mut tx, cleared, person.session_id).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// The same in a browser. There the present password is the fresh proof of who asks.
pub async fn change_in_browser(app: &App, person: &Person, current: &SecretText, new: &SecretText) -> AppResult<BrowserSession> {
    let (mut tx, cleared) = replace(app, person, Some(current), new).await?;
    let session = sessions::replace_in_browser(app, &mut tx, cleared, person.session_id).await?;
    tx.commit().await?;
    Ok(session)
}

/// The change, in a transaction in which the new session is to begin.
async fn replace(app: &App, person: &Person, current: Option<&SecretText>, new: &SecretText) -> AppResult<(Tx, Cleared)> {
    let mut tx = app.begin(&person.origin).await?;
    let user = users::read(&mut tx, person.user_id).await?;
    let has_password = password::find(&mut tx, user.id).await?.is_some();
    tx.commit().await?;
    let old = prove(app, person, has_password, current).await?;
    let phc = password::prepare(app, person.origin.network(), new, &user.words()).await?;

    let mut tx = app.begin(&person.origin).await?;
    let user = users::lock(&mut tx, person.authority(), user.id).await?;
    if !password::change(&mut tx, user.id, old.as_deref(), &phc).await? {
        return Err(sign_in::wrong_password(CURRENT).into());
    }
    one_time_tokens::expire_all(&mut tx, user.id).await?;
    emails::forget_pending(&mut tx, user.id).await?;
    users::end_all_sessions(&mut tx, user.id).await?;
    users::clear_lock(&mut tx, user.id).await?;
    audit::record(&mut tx, Event::success("password.changed").on("user", user.id)).await?;
    mails::request(&mut tx, Template::PasswordChanged, user.id).await?;
    let cleared = caller::ask(&mut tx, user.id, Act::BeginAnew { assurance: person.assurance }).await?;
    Ok((tx, cleared.map_err(|_| Rejection::token_refused())?))
}

/// The hash that the present password fits; none when the person has no password.
async fn prove(app: &App, person: &Person, has_password: bool, current: Option<&SecretText>) -> AppResult<Option<String>> {
    match (has_password, current) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(sign_in::wrong_password(CURRENT).into()),
        (true, None) => {
            let detail = "is missing: this user has a password";
            Err(Rejection::invalid_field(CURRENT, "required", detail).into())
        }
        (true, Some(current)) => {
            let Some((tx, proven)) = sign_in::prove_own(app, person, current).await? else {
                return Err(sign_in::wrong_password(CURRENT).into());
            };
            tx.commit().await?;
            Ok(Some(proven.phc))
        }
    }
}
