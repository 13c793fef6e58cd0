//! Faults that are planted on purpose, to show that the suites which look for such faults can fail.
//!
//! Only a binary built with the feature `planted-faults` can hold one, and it starts only if `USHER_PLANTED_FAULT` names one, or
//! `none`. Without the feature [`planted`] is constantly false, all of this compiles away, and the variable is refused like any
//! other that usher does not know.

use std::time::Duration;

use crate::app::App;
use crate::config::Hidden;
use crate::db::{DbResult, Tx};
use crate::error::{LogAndIgnore, Rejection};
use crate::mail::Message;
use crate::secret::SecretText;

/// The variable that says what is planted.
pub const VARIABLE: &str = "USHER_PLANTED_FAULT";

/// How much longer a sign-in takes for an account that exists.
const LEAK: Duration = Duration::from_millis(2);
/// How long a kill has to come between what must not be told apart.
const GAP: Duration = Duration::from_millis(50);

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `refresh_race`: whether a refresh token is unused is looked up first and written down later.
    RefreshRace,
    /// `attempt_race`: an attempt is counted after the password was verified, not before.
    AttemptRace,
    /// `timing`: a sign-in takes 2 ms longer when the account exists.
    Timing,
    /// `lost_write`: that a user was created is answered 50 ms before the commit.
    LostWrite,
    /// `mail_before_commit`: a user who is created gets a mail 50 ms before the commit.
    MailBeforeCommit,
    /// `token_race`: whether a one-time token is unused is looked up first and written down later.
    TokenRace,
    /// `demotion_race`: whether an administrator remains is looked up 50 ms before the commit, and nobody waits for anybody.
    DemotionRace,
    /// `spelling`: an address is known by its spelling.
    Spelling,
    /// `canary_in_log`: a sign-in logs the password.
    CanaryInLog,
    /// `canary_in_error`: a refused sign-in answers with the password.
    CanaryInError,
    /// `canary_in_dump`: bearer secrets are stored as they are.
    CanaryInDump,
}

/// Whether the fault is there.
#[cfg(not(feature = "planted-faults"))]
pub const fn planted(_: Fault) -> bool {
    false
}

/// Whether the environment's variable is known: not without the feature.
#[cfg(not(feature = "planted-faults"))]
pub const fn knows(_: &str) -> bool {
    false
}

/// Plants what the variable names; nothing without the feature.
#[cfg(not(feature = "planted-faults"))]
pub const fn plant(_: Option<&Hidden<String>>) -> Result<(), &'static str> {
    Ok(())
}

#[cfg(feature = "planted-faults")]
pub use with_faults::{knows, plant, planted};

#[cfg(feature = "planted-faults")]
mod with_faults {
    //! The binary that holds them.

    use std::sync::OnceLock;

    use super::{Fault, Hidden, VARIABLE};

    static PLANTED: OnceLock<Option<Fault>> = OnceLock::new();

    pub fn planted(fault: Fault) -> bool {
        PLANTED.get() == Some(&Some(fault))
    }

    pub fn knows(name: &str) -> bool {
        name == VARIABLE
    }

    pub fn plant(name: Option<&Hidden<String>>) -> Result<(), &'static str> {
        let fault = match name.map(|name| name.expose().as_str()) {
            Some("none") => None,
            Some("refresh_race") => Some(Fault::RefreshRace),
            Some("attempt_race") => Some(Fault::AttemptRace),
            Some("timing") => Some(Fault::Timing),
            Some("lost_write") => Some(Fault::LostWrite),
            Some("mail_before_commit") => Some(Fault::MailBeforeCommit),
            Some("token_race") => Some(Fault::TokenRace),
            Some("demotion_race") => Some(Fault::DemotionRace),
            Some("spelling") => Some(Fault::Spelling),
            Some("canary_in_log") => Some(Fault::CanaryInLog),
            Some("canary_in_error") => Some(Fault::CanaryInError),
            Some("canary_in_dump") => Some(Fault::CanaryInDump),
            _ => return Err("must name a fault, or none: this binary holds planted faults and is for tests only"),
        };
        PLANTED.get_or_init(|| fault);
        Ok(())
    }
}

/// Says so, loudly, when this binary is not one to be used.
pub fn warn() {
    if knows(VARIABLE) {
        tracing::warn!("THIS BINARY HOLDS PLANTED FAULTS. It is for tests only and protects nobody.");
    }
}

/// Where `timing` is planted.
pub async fn dawdle_if(known: bool) {
    if planted(Fault::Timing) && known {
        tokio::time::sleep(LEAK).await;
    }
}

/// Where `demotion_race` is planted: others get the time to look too.
pub async fn linger() {
    if planted(Fault::DemotionRace) {
        tokio::time::sleep(GAP).await;
    }
}

/// Where `lost_write` is planted: commits, or says so and does it later.
pub async fn commit(tx: Tx) -> DbResult<()> {
    if !planted(Fault::LostWrite) {
        return tx.commit().await;
    }
    tokio::spawn(async move {
        tokio::time::sleep(GAP).await;
        tx.commit().await.log_and_ignore("the loss is planted");
    });
    Ok(())
}

/// Where `mail_before_commit` is planted.
pub async fn mail_early(app: &App, to: &str) {
    if planted(Fault::MailBeforeCommit) {
        let text = "A planted fault sent this mail too early.".to_owned();
        let id = crate::id::new_uuid(app.clock.now()).to_string();
        let message = Message { id, to: to.to_owned(), subject: "Planted".to_owned(), html: text.clone(), text, picture: None };
        app.mailer.send(&message).await.log_and_ignore("the mail is planted");
        tokio::time::sleep(GAP).await;
    }
}

/// Where `canary_in_log` is planted.
pub fn tell(password: &SecretText) {
    if planted(Fault::CanaryInLog) {
        tracing::info!(password = password.reveal(), "planted");
    }
}

/// Where `canary_in_error` is planted.
pub fn explain(refusal: Rejection, password: &SecretText) -> Rejection {
    if planted(Fault::CanaryInError) {
        return Rejection { detail: format!("{} is wrong.", password.reveal()), ..refusal };
    }
    refusal
}

#[cfg(all(test, not(feature = "planted-faults")))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_planted_without_the_feature() {
        assert!(!planted(Fault::RefreshRace));
        assert!(!knows(VARIABLE));
        assert_eq!(plant(Some(&Hidden::new("timing".to_owned()))), Ok(()));
        assert!(!planted(Fault::Timing));
    }
}
