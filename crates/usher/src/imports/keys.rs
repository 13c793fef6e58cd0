//! The SQL of keys: which row of an import has an address, a user name or an id first.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::db::{DbResult, Tx};

/// Notes which rows have the keys first. Returns the lines of those that had a key before the row that wants it.
pub async fn insert(tx: &mut Tx, id: Uuid, keys: &[(String, i64)]) -> DbResult<HashMap<(String, i64), i64>> {
    let (texts, positions): (Vec<&str>, Vec<i64>) = keys.iter().map(|(key, position)| (key.as_str(), *position)).unzip();
    let sql = "
        insert into import_keys (import_id, key, position)
        select distinct on (n.key) $1::uuid, n.key, n.position
        from unnest($2::text[], $3::bigint[]) as n (key, position)
        order by n.key, n.position
        on conflict (import_id, key) do nothing
        returning position, key";
    let inserted = tx.query(sql, &[&id, &texts, &positions]).await?;
    let first: HashSet<(i64, &str)> = inserted.iter().map(|row| (row.get(0), row.get(1))).collect();
    let late = keys.iter().filter(|(key, position)| !first.contains(&(*position, key.as_str())));
    let (texts, positions): (Vec<&str>, Vec<i64>) = late.map(|(key, position)| (key.as_str(), *position)).unzip();
    if texts.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "
        select n.key, n.position, r.line
        from unnest($2::text[], $3::bigint[]) as n (key, position)
        join import_keys k on k.import_id = $1 and k.key = n.key and k.position <> n.position
        join import_rows r on r.import_id = $1 and r.position = k.position";
    let rows = tx.query(sql, &[&id, &texts, &positions]).await?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect())
}

/// No row is judged by them any more.
pub async fn delete(tx: &mut Tx, id: Uuid, keys: &[String]) -> DbResult<()> {
    tx.execute("delete from import_keys where import_id = $1 and key = any($2)", &[&id, &keys]).await?;
    Ok(())
}

pub async fn delete_of_ended(tx: &mut Tx, limit: i64) -> DbResult<()> {
    let sql = "
        delete from import_keys
        where (import_id, key) in (
            select k.import_id, k.key
            from imports i
            join import_keys k on k.import_id = i.id
            where i.state in ('finished', 'failed')
            limit $1
        )";
    tx.execute(sql, &[&limit]).await?;
    Ok(())
}
