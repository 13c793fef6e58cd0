//! Finding who has forgotten their password.

use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// The user with this verified primary address. Suspended and deleted ones get no link.
pub async fn find_by_address(tx: &mut Tx, address_normal: &str) -> DbResult<Option<UserId>> {
    let sql = "
        select e.user_id
        from emails e
        join users u on u.id = e.user_id
        where e.address_normal = $1 and e.is_primary and u.status in ('active', 'pending')";
    Ok(tx.query_opt(sql, &[&address_normal]).await?.map(|row| row.get(0)))
}
