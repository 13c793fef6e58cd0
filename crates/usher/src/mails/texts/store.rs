//! The SQL of edited texts.

use tokio_postgres::Row;

use super::{Edit, Which};
use crate::db::{DbResult, Tx};

/// Nobody else edits or restores one until the transaction ends. Reading goes on.
pub async fn lock_texts(tx: &mut Tx) -> DbResult<()> {
    tx.execute("lock table mail_texts in share row exclusive mode", &[]).await?;
    Ok(())
}

pub async fn find_text(tx: &mut Tx, which: Which) -> DbResult<Option<Edit>> {
    let sql = "
        select template, language, text, version, updated_at, updated_by
        from mail_texts
        where template = $1 and language = $2";
    let found = tx.query_opt(sql, &[&which.template.name(), &which.language.tag()]).await?;
    Ok(found.as_ref().map(edit))
}

pub async fn list_texts(tx: &mut Tx) -> DbResult<Vec<Edit>> {
    let sql = "
        select template, language, text, version, updated_at, updated_by
        from mail_texts
        order by template, language";
    Ok(tx.query(sql, &[]).await?.iter().map(edit).collect())
}

pub async fn upsert_text(tx: &mut Tx, which: Which, text: &str) -> DbResult<()> {
    let (now, by) = (tx.now(), tx.origin().actor.user_id());
    let sql = "
        insert into mail_texts (template, language, text, updated_at, updated_by)
        values ($1, $2, $3, $4, $5)
        on conflict (template, language)
        do update set text = excluded.text, version = default, updated_at = excluded.updated_at, updated_by = excluded.updated_by";
    tx.execute(sql, &[&which.template.name(), &which.language.tag(), &text, &now, &by]).await?;
    Ok(())
}

pub async fn delete_text(tx: &mut Tx, which: Which) -> DbResult<()> {
    let sql = "
        delete from mail_texts
        where template = $1 and language = $2";
    tx.execute(sql, &[&which.template.name(), &which.language.tag()]).await?;
    Ok(())
}

fn edit(row: &Row) -> Edit {
    Edit {
        template: row.get("template"),
        language: row.get("language"),
        text: row.get("text"),
        version: row.get("version"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    }
}
