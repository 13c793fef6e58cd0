//! Making an account by an invitation. Opening the page changes nothing that counts; accepting uses the link up by one conditional
//! statement, in the transaction that makes the user.

use serde_json::Map;

use super::judging::{authority_of, require_grantable, require_no_attributes};
use super::{Delivery, Invitation, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::Authority;
use crate::db::{Origin, Tx};
use crate::emails;
use crate::error::AppResult;
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::password;
use crate::roles::{self, RoleName};
use crate::secret::{Purpose, SecretText, bearer_hash};
use crate::users::{self, IfTaken, Name, NewUser, Profile, User, Username};

/// What whoever accepts says of themselves.
pub struct Acceptance<'a> {
    pub token: &'a SecretText,
    pub password: &'a SecretText,
    /// Made up when left out.
    pub username: Option<&'a Username>,
    /// That of the invitation when left out.
    pub display_name: Option<Name>,
}

/// The user, and the invitation that they came by.
pub struct Accepted {
    pub user: User,
    pub invitation: Invitation,
}

/// The invitation that this link opens. Notes that somebody has looked; nothing else changes.
pub async fn open(app: &App, origin: &Origin, token: &SecretText) -> AppResult<Option<Invitation>> {
    let mut tx = app.begin(origin).await?;
    let found = find(&mut tx, token).await?;
    if let Some(invitation) = &found {
        store::update_opened_at(&mut tx, invitation.id).await?;
    }
    tx.commit().await?;
    Ok(found)
}

/// Makes the account. Fails alike for a token that is unknown, used, expired or revoked, and for an address that somebody got
/// meanwhile. A sign-up that waits for its verification there goes.
pub async fn accept(app: &App, origin: &Origin, acceptance: Acceptance<'_>) -> AppResult<Accepted> {
    let mut tx = app.begin(origin).await?;
    let invitation = find(&mut tx, acceptance.token).await?.ok_or_else(one_time_tokens::invalid)?;
    tx.commit().await?;
    let email = invitation.address()?;
    let invited_as = invitation.display_name.as_deref().and_then(|name| Name::parse(name).ok());
    let profile = Profile { display_name: acceptance.display_name.or(invited_as), ..Profile::default() };
    let mut about = vec![email.as_str()];
    about.extend(acceptance.username.map(Username::as_str));
    about.extend(profile.names());
    // No transaction is open while the hash is computed.
    let phc = password::prepare(app, origin.network(), acceptance.password, &about).await?;
    let mut tx = app.begin(origin).await?;
    emails::lock(&mut tx, &email).await?;
    let hash = bearer_hash(Purpose::Invitation, acceptance.token).ok_or_else(one_time_tokens::invalid)?;
    let id = store::use_token(&mut tx, &hash).await?.ok_or_else(one_time_tokens::invalid)?;
    require_no_attributes(&mut tx).await?;
    let by = authority_of(&mut tx, &invitation.invited_by).await?;
    let (given, left_out) = still_grantable(&mut tx, by, &invitation).await?;
    let new = NewUser {
        email: &email,
        // Who holds a link that was mailed reads the address's mail.
        verified: invitation.delivery == Delivery::Mail,
        username: acceptance.username,
        if_username_taken: IfTaken::Refuse,
        profile: &profile,
        attributes: &Map::new(),
        roles: &given,
    };
    let created = users::create(&mut tx, by, new).await;
    let user = created.map_err(|error| match error.code() {
        Some("email_taken") => one_time_tokens::invalid().into(),
        _ => error,
    })?;
    password::set(&mut tx, user.id, &phc).await?;
    store::update_accepted_by(&mut tx, id, user.id).await?;
    tx.act_as(user.id);
    let event = Event::success("invitation.accepted").on("invitation", id).about(user.id);
    audit::record(&mut tx, event.detail("user_id", user.id.to_string()).detail("roles_left_out", left_out)).await?;
    if invitation.delivery == Delivery::Link {
        mails::request(&mut tx, Template::VerifyEmail, user.id).await?;
    }
    tx.commit().await?;
    Ok(Accepted { user, invitation })
}

async fn find(tx: &mut Tx, token: &SecretText) -> AppResult<Option<Invitation>> {
    let Some(hash) = bearer_hash(Purpose::Invitation, token) else { return Ok(None) };
    let Some(id) = store::find_by_token(tx, &hash).await? else { return Ok(None) };
    Ok(store::find_invitation(tx, id).await?)
}

/// The roles that the inviter could give today, as they are today, and the names of the others. Nobody is left without any.
async fn still_grantable(tx: &mut Tx, by: Authority, invitation: &Invitation) -> AppResult<(Vec<RoleName>, Vec<String>)> {
    let known = roles::list(tx).await?;
    let now = tx.now();
    let is_grantable = |name: &String| {
        let role = known.iter().find(|role| role.name == *name);
        role.is_some_and(|role| require_grantable(by, std::slice::from_ref(role), now).is_ok())
    };
    let (given, left_out): (Vec<String>, Vec<String>) = invitation.roles.iter().cloned().partition(is_grantable);
    let mut given: Vec<RoleName> = given.iter().map(|name| RoleName::from(name.as_str())).collect();
    if given.is_empty() {
        given.push(RoleName::from(roles::USER));
    }
    Ok((given, left_out))
}
