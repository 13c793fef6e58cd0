//! Leaving, and coming back: who deletes themselves gets a link that undoes it while the recycle bin keeps them.

use crate::caller::{self, Act, Authority, Person};
use crate::db::Tx;
use crate::emails;
use crate::error::AppResult;
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::secret::{Purpose, SecretText};
use crate::users::{self, ChangeOfStanding, User};

/// Puts the person into the recycle bin, as an administrator would; every session ends and every link dies.
pub async fn delete(tx: &mut Tx, person: &Person) -> AppResult<User> {
    let before = users::lock(tx, person.authority(), person.user_id).await?;
    let deleted = users::change_standing(tx, &before, ChangeOfStanding::Delete).await?;
    emails::forget_pending(tx, person.user_id).await?;
    mails::request(tx, Template::UndoDeletion, person.user_id).await?;
    Ok(deleted)
}

/// Uses the link's token up: the person is back, with what they had. They sign in anew.
pub async fn undo(tx: &mut Tx, token: &SecretText) -> AppResult<()> {
    let subject = one_time_tokens::redeem(tx, Purpose::UndoDeletion, token).await?;
    let Some(user_id) = subject.user_id else {
        return Err(anyhow::anyhow!("a token that undoes a deletion without a subject").into());
    };
    let before = users::lock(tx, Authority::operator(), user_id).await?;
    // Again, now that nobody else can delete them too meanwhile.
    if caller::ask(tx, user_id, Act::UndoDeletion).await?.is_err() {
        return Err(one_time_tokens::invalid().into());
    }
    tx.act_as(user_id);
    users::change_standing(tx, &before, ChangeOfStanding::Restore).await?;
    Ok(())
}
