//! Many users who arrive at once, from a file: a few statements for all of them. Who finds an address or a user name taken stays
//! outside, and nobody else with them.

mod store;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Profile, User, Username};
use crate::audit::{self, Event};
use crate::caller::{Authority, UserStatus};
use crate::db::Tx;
use crate::emails::{self, EmailAddress, NewEmail};
use crate::error::AppResult;
use crate::id::UserId;
use crate::roles::{self, RoleEnds};

/// A user to be, as they were elsewhere.
#[derive(Debug)]
pub struct Arrival {
    pub id: UserId,
    pub username: Username,
    pub status: UserStatus,
    pub profile: Profile,
    pub professional_at: Option<Timestamp>,
    pub attributes: Map<String, Value>,
    pub roles: Vec<String>,
    pub role_ends: RoleEnds,
    /// The primary one first; each with whether it is known to be theirs.
    pub addresses: Vec<(EmailAddress, bool)>,
    pub created_at: Timestamp,
    pub last_sign_in_at: Option<Timestamp>,
    /// A sign-up that was never verified has no right to the addresses.
    pub takes_addresses: bool,
}

/// What became of an arrival.
#[derive(Debug)]
pub enum Arrived {
    /// Nothing says what their roles amount to.
    Created(Box<User>),
    /// Somebody has the id or the user name.
    NameTaken,
    AddressTaken,
}

/// Creates the users; what became of each is in their order. The caller must hold what their roles grant.
pub async fn create_many(tx: &mut Tx, by: Authority, arrivals: &[Arrival]) -> AppResult<Vec<Arrived>> {
    free_addresses(tx, arrivals).await?;
    let inserted: HashSet<UserId> = store::insert_users(tx, arrivals).await?.into_iter().collect();
    let (mut ids, mut new) = (Vec::new(), Vec::new());
    for arrival in arrivals.iter().filter(|arrival| inserted.contains(&arrival.id)) {
        for (at, (address, verified)) in arrival.addresses.iter().enumerate() {
            new.push(NewEmail { user_id: arrival.id, address, primary: at == 0, verified: *verified });
        }
    }
    let homeless: HashSet<UserId> = emails::add_many(tx, &new).await?.into_iter().collect();
    let gone: Vec<UserId> = homeless.iter().copied().collect();
    store::delete_users(tx, &gone).await?;
    let mut holders: HashMap<(&str, Option<Timestamp>), Vec<UserId>> = HashMap::new();
    for arrival in arrivals.iter().filter(|arrival| inserted.contains(&arrival.id) && !homeless.contains(&arrival.id)) {
        ids.push(arrival.id);
        for role in &arrival.roles {
            holders.entry((role, arrival.role_ends.get(role).copied())).or_default().push(arrival.id);
        }
    }
    for ((role, expires_at), ids) in holders {
        roles::grant_to_many(tx, by, &ids, &role.into(), expires_at).await?;
    }
    let users = store::find_records(tx, &ids).await?;
    let event = |user: &User| Event::success("user.created").on("user", user.id).changed(&(), user);
    audit::record_all(tx, users.iter().map(event).collect()).await?;
    let mut users: HashMap<UserId, User> = users.into_iter().map(|user| (user.id, user)).collect();
    let arrived = |arrival: &Arrival| match users.remove(&arrival.id) {
        Some(user) => Arrived::Created(Box::new(user)),
        None if inserted.contains(&arrival.id) => Arrived::AddressTaken,
        None => Arrived::NameTaken,
    };
    Ok(arrivals.iter().map(arrived).collect())
}

/// Takes turns with all who are about to give one of these addresses to a user.
async fn free_addresses(tx: &mut Tx, arrivals: &[Arrival]) -> AppResult<()> {
    let addresses = arrivals.iter().flat_map(|arrival| arrival.addresses.iter().map(|(address, _)| address.normal()));
    emails::lock_many(tx, addresses.collect()).await?;
    let takers = arrivals.iter().filter(|arrival| arrival.takes_addresses);
    let verified = takers.flat_map(|arrival| arrival.addresses.iter().filter(|(_, verified)| *verified));
    let taken: Vec<&str> = verified.map(|(address, _)| address.normal()).collect();
    super::discard_unverified(tx, &taken).await
}
