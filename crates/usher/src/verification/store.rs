//! Finding who waits for a verification.

use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// The user whose primary address this is, if it still has to be verified and they registered themselves.
pub async fn find_unverified(tx: &mut Tx, address_normal: &str) -> DbResult<Option<UserId>> {
    let sql = "
        select e.user_id
        from emails e
        join users u on u.id = e.user_id
        join password_credentials p on p.user_id = u.id
        where e.address_normal = $1 and e.is_primary and e.verified_at is null and u.status in ('pending', 'active')";
    Ok(tx.query_opt(sql, &[&address_normal]).await?.map(|row| row.get(0)))
}
