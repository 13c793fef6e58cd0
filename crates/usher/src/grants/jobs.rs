//! Grants that have ended: they give nothing any more, and what is left of them goes.

use std::collections::HashSet;
use std::time::Duration;

use crate::db::Tx;
use crate::error::AppResult;
use crate::jobs::Registry;
use crate::{groups, roles, users};

const REMOVE_EXPIRED: &str = "remove_expired_grants";
const AT_ONCE: i64 = 1000;

pub fn register(registry: &mut Registry) {
    registry.every(Duration::from_mins(5), REMOVE_EXPIRED, |_, tx, _| Box::pin(remove_expired(tx)));
}

async fn remove_expired(tx: &mut Tx) -> AppResult<()> {
    let users: HashSet<_> = roles::remove_expired(tx, AT_ONCE).await?.into_iter().collect();
    for id in users {
        users::note_roles_expired(tx, id).await?;
    }
    groups::remove_expired(tx, AT_ONCE).await
}
