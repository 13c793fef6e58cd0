//! "This was not me": the link in the mail about a sign-in on a new device.

use crate::app::App;
use crate::attempts::{self, Authenticator};
use crate::audit::{self, Event};
use crate::db::Origin;
use crate::devices;
use crate::error::AppResult;
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::secret::{Purpose, SecretText};
use crate::users;

/// Ends every session, knows no device any more, lets nobody in with the present password, and mails a link to choose another.
pub async fn report(app: &App, origin: &Origin, token: &SecretText) -> AppResult<()> {
    let mut tx = app.begin(origin).await?;
    let subject = one_time_tokens::redeem(&mut tx, Purpose::ReportSignIn, token).await?;
    let Some(user_id) = subject.user_id else { return Err(one_time_tokens::invalid().into()) };
    tx.act_as(user_id);
    one_time_tokens::expire_all(&mut tx, user_id).await?;
    users::end_all_sessions(&mut tx, user_id).await?;
    devices::forget_all(&mut tx, user_id).await?;
    attempts::disable(&mut tx, Authenticator::Password, user_id).await?;
    users::lock_sign_in(&mut tx, user_id, jiff::Timestamp::MAX).await?;
    audit::record(&mut tx, Event::success("sign_in.reported").on("user", user_id)).await?;
    mails::request(&mut tx, Template::ResetPassword, user_id).await?;
    tx.commit().await?;
    Ok(())
}
