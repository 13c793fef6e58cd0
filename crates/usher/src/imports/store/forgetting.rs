//! The SQL of forgetting imports. One has up to millions of rows: a turn deletes so many of them and no more, and the import itself
//! at last. Rows that may have the hash of a password go before all others.

use uuid::Uuid;

use crate::db::{DbResult, Tx};

/// How long what came of an import is kept. Its change set stays.
const KEPT_DAYS: i32 = 90;
/// How long an import may be halted.
const PAUSED_DAYS: i32 = 30;
/// Which rows go in one turn. Those that are not judged, or to be applied, have hashes; the others have lost theirs.
const IN_TURN: [&str; 3] = ["class is null", "class in ('create', 'update')", "true"];

/// Deletes some of what is left of old imports; false when nothing is.
pub async fn delete_of_old_imports(tx: &mut Tx, limit: i64) -> DbResult<bool> {
    let Some(id) = lock_due(tx).await? else { return Ok(false) };
    for condition in IN_TURN {
        if delete_rows(tx, id, condition, limit).await? > 0 {
            return Ok(true);
        }
    }
    if delete_keys(tx, id, limit).await? == 0 {
        tx.execute("delete from imports where id = $1", &[&id]).await?;
    }
    Ok(true)
}

/// An import whose time is over, also one that was never read to its end, when the process that read it has gone. Those that were
/// never applied come first. From here on it is like a preview that is too old: nobody lets it go on.
async fn lock_due(tx: &mut Tx) -> DbResult<Option<Uuid>> {
    let now = tx.now();
    let sql = "
        update imports
        set state = case state when 'paused' then 'ready' else state end, token = null
        where id = (
            select id
            from imports
            where (state in ('staging', 'classifying', 'ready') and expires_at < $1)
                or (state = 'paused' and created_at < $1 - make_interval(days => $3))
                or (state in ('finished', 'failed') and created_at < $1 - make_interval(days => $2))
            order by state = 'finished', created_at, id
            limit 1
            for update skip locked
        )
        returning id";
    Ok(tx.query_opt(sql, &[&now, &KEPT_DAYS, &PAUSED_DAYS]).await?.map(|row| row.get(0)))
}

async fn delete_rows(tx: &mut Tx, id: Uuid, condition: &str, limit: i64) -> DbResult<u64> {
    let sql = format!(
        "delete from import_rows
        where import_id = $1
            and position in (
                select position
                from import_rows
                where import_id = $1 and {condition}
                limit $2
            )"
    );
    tx.execute(&sql, &[&id, &limit]).await
}

async fn delete_keys(tx: &mut Tx, id: Uuid, limit: i64) -> DbResult<u64> {
    let sql = "
        delete from import_keys
        where import_id = $1
            and key in (
                select key
                from import_keys
                where import_id = $1
                limit $2
            )";
    tx.execute(sql, &[&id, &limit]).await
}
