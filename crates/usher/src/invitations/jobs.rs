//! Making the mail after the answer: its token exists nowhere else. And forgetting invitations that have ended long ago.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Delivery, State, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::error::AppResult;
use crate::id::InvitationId;
use crate::jobs::{self, Registry};
use crate::mails::{self, About, Invited, Letter, Template};
use crate::secret::{Purpose, new_bearer_and_hash};

pub const SEND: &str = "send_invitation";
const FORGET: &str = "forget_invitations";
/// How long it is known who was invited, after that has come to its end.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

#[derive(Serialize, Deserialize)]
pub struct Send {
    pub id: InvitationId,
}

pub fn register(registry: &mut Registry) {
    registry.in_tx(SEND, |app, tx, payload| Box::pin(send(app, tx, payload)));
    registry.every_long(Duration::from_hours(24), FORGET, |app, _| Box::pin(forget(app)));
}

async fn send(app: &App, tx: &mut Tx, payload: Value) -> AppResult<()> {
    let Send { id } = serde_json::from_value(payload)?;
    store::lock_invitation(tx, id).await?;
    let Some(invitation) = store::find_invitation(tx, id).await? else { return Ok(()) };
    if invitation.state != State::Waiting || invitation.delivery != Delivery::Mail {
        return Ok(());
    }
    let (secret, hash) = new_bearer_and_hash(Purpose::Invitation);
    let invited = Invited { by: invitation.invited_by.name.clone(), message: invitation.message.clone() };
    let letter = Letter {
        template: Template::Invitation,
        address: &invitation.email,
        name: invitation.display_name.as_deref().unwrap_or_default(),
        secret: &secret,
        lifetime: invitation.lifetime(),
        about: &About { invited: Some(invited), ..About::default() },
    };
    if mails::send(app, tx, letter).await? {
        store::update_to_sent(tx, id, &hash).await?;
        audit::record(tx, Event::success("invitation.sent").on("invitation", id)).await?;
    }
    Ok(())
}

async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    let before = tx.now() - KEPT_FOR;
    Ok(store::delete_ended(tx, before).await?)
}
