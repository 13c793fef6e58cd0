//! The SQL of pictures: which files are in the storage, or may be.

use jiff::Timestamp;

use crate::db::{DbResult, Tx};
use crate::id::UserId;

pub async fn insert_avatar(tx: &mut Tx, name: &str, user_id: UserId) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into avatars (name, user_id, created_at)
        values ($1, $2, $3)";
    tx.execute(sql, &[&name, &user_id, &now]).await?;
    Ok(())
}

/// Whether the files may go: nobody has them as their picture. Nobody will either, since a name is never used again.
pub async fn is_unused(tx: &mut Tx, name: &str) -> DbResult<bool> {
    let sql = "
        select
        from avatars a
        where a.name = $1
            and not exists (
                select from users u
                where u.id = a.user_id and u.avatar = a.name
            )";
    Ok(tx.query_opt(sql, &[&name]).await?.is_some())
}

/// Those that were written before a time and that nobody has.
pub async fn list_unused(tx: &mut Tx, before: Timestamp, limit: i64) -> DbResult<Vec<String>> {
    let sql = "
        select a.name
        from avatars a
        where a.created_at < $1
            and not exists (
                select from users u
                where u.id = a.user_id and u.avatar = a.name
            )
        order by a.created_at
        limit $2";
    Ok(tx.query(sql, &[&before, &limit]).await?.iter().map(|row| row.get(0)).collect())
}

pub async fn delete_avatar(tx: &mut Tx, name: &str) -> DbResult<()> {
    tx.execute("delete from avatars where name = $1", &[&name]).await?;
    Ok(())
}
