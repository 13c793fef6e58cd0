//! Finding the account a person means.

use crate::db::{DbResult, Tx};
use crate::emails::EmailAddress;
use crate::id::UserId;

/// The hash of the user's password, and the epoch that it belongs to: whoever changes the password raises the epoch.
pub async fn find_proof(tx: &mut Tx, id: UserId) -> DbResult<(Option<String>, i64)> {
    let sql = "
        select p.hash, u.auth_epoch
        from users u
        left join password_credentials p on p.user_id = u.id
        where u.id = $1";
    let row = tx.query_opt(sql, &[&id]).await?;
    Ok(row.map_or((None, 0), |row| (row.get("hash"), row.get("auth_epoch"))))
}

/// By address, or by user name when it has no `@`. Always one statement, so that kinds of identifiers cost the same.
pub async fn find_by_identifier(tx: &mut Tx, identifier: &str) -> DbResult<Option<UserId>> {
    let address = EmailAddress::parse(identifier).map_or_else(|_| String::new(), |address| address.normal().to_owned());
    let username = if identifier.contains('@') { "" } else { identifier };
    let sql = "
        select user_id as id
        from emails
        where address_normal = $1
        union all
        select id
        from users
        where username_normal = lower($2)";
    Ok(tx.query_opt(sql, &[&address, &username]).await?.map(|row| row.get("id")))
}
