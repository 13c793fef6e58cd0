//! The SQL of sign-up.

use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// Whether the user signed up by themselves: one whom an administrator has created has no password before they choose it.
pub async fn has_password(tx: &mut Tx, id: UserId) -> DbResult<bool> {
    let sql = "
        select exists (
            select
            from password_credentials
            where user_id = $1
        )";
    Ok(tx.query_one(sql, &[&id]).await?.get(0))
}
