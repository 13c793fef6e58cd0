//! The last release, as `migrations/released/` has recorded it: it goes on beside this schema, and what it has left in the field can
//! be migrated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tokio_postgres::Client;

use super::TestApp;
use crate::db::migrations::{self, Standing};
use crate::db::restore;

fn record(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/released").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// An app whose database has the schema of the last release.
async fn at_last_release() -> TestApp {
    let app = TestApp::new().await;
    let client = app.app.db.dedicated().await.unwrap();
    restore::wipe(&client).await.unwrap();
    client.batch_execute(&record("schema.sql")).await.unwrap();
    app
}

/// Each column that is there: may an insertion leave it out?
async fn columns(client: &Client) -> BTreeMap<(String, String), bool> {
    let sql = "
        select table_name::text, column_name::text, is_nullable = 'YES' or column_default is not null or is_generated = 'ALWAYS'
        from information_schema.columns
        where table_schema = 'public'";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect()
}

#[tokio::test]
async fn every_statement_of_the_last_release_means_the_same_on_this_schema() {
    let (old, new) = (at_last_release().await, TestApp::new().await);
    let (before, now) = (old.app.db.dedicated().await.unwrap(), new.app.db.dedicated().await.unwrap());
    let record = record("statements.sql");
    let mut prepared = 0;
    for sql in usher_migrations::Migration::read(&record).statements.iter().map(|statement| statement.sql) {
        let released = before.prepare(sql).await.unwrap_or_else(|error| panic!("the record is damaged: {error:?}\n{sql}"));
        let today =
            now.prepare(sql).await.unwrap_or_else(|error| panic!("the last release fails on this schema: {error:?}\n{sql}"));
        assert_eq!(released.params(), today.params(), "{sql}");
        let types = |statement: &tokio_postgres::Statement| {
            statement.columns().iter().map(|column| (column.name().to_owned(), column.type_().clone())).collect::<Vec<_>>()
        };
        assert_eq!(types(&released), types(&today), "{sql}");
        prepared += 1;
    }
    assert!(prepared > 60, "only {prepared} statements were found");
    // And what it does not know of, it need not write.
    let (before, now) = (columns(&before).await, columns(&now).await);
    let tables: BTreeSet<&String> = before.keys().map(|(table, _)| table).collect();
    let unknown = now.iter().filter(|(column, _)| tables.contains(&column.0) && !before.contains_key(column));
    let required: Vec<_> = unknown.filter(|(_, optional)| !**optional).map(|(column, _)| column).collect();
    assert!(required.is_empty(), "the last release can't insert without {required:?}");
    old.finish().await;
    new.finish().await;
}

/// What the rows of each table say, in the columns that the last release knows.
async fn content(client: &Client, known: &BTreeMap<(String, String), bool>) -> BTreeMap<String, (i64, String)> {
    let mut tables: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let still = columns(client).await;
    for column @ (table, name) in known.keys().filter(|column| still.contains_key(column)) {
        if !table.starts_with("refinery") && column.0 != "schema_compatibility" {
            tables.entry(table).or_default().push(format!("\"{name}\"::text"));
        }
    }
    let mut content = BTreeMap::new();
    for (table, columns) in tables {
        let row = format!("concat_ws('|', {})", columns.join(", "));
        let sql = format!("select count(*), md5(coalesce(string_agg({row}, e'\\n' order by {row}), '')) from {table}");
        let row = client.query_one(&sql, &[]).await.unwrap();
        content.insert(table.to_owned(), (row.get(0), row.get(1)));
    }
    content
}

#[tokio::test]
async fn what_the_last_release_has_left_is_migrated_and_keeps_its_rows() {
    let mut app = at_last_release().await;
    let client = app.app.db.dedicated().await.unwrap();
    client.batch_execute(&record("data.sql")).await.unwrap();
    let known = columns(&client).await;
    let before = content(&client, &known).await;
    let empty: Vec<_> = before.iter().filter(|(_, (count, _))| *count == 0).map(|(table, _)| table).collect();
    assert!(empty.is_empty(), "migrations/released/data.sql has no rows for {empty:?}");
    let released: i32 = client.query_one("select max(version) from refinery_schema_history", &[]).await.unwrap().get(0);

    let applied = migrations::apply(&app.app.db).await.unwrap();
    assert_eq!(applied.len(), usize::try_from(migrations::newest() - released).unwrap());
    assert_eq!(migrations::check(&app.app.db).await.unwrap(), Standing::Same);
    assert_eq!(content(&client, &known).await, before);
    let oldest = app.count("select oldest_version::bigint from schema_compatibility").await;
    assert!(oldest <= i64::from(released), "the last release is ended: only releases from version {oldest} on may go on");
    app.may_leave_jobs();
    app.finish().await;
}

#[tokio::test]
async fn migrating_in_one_transaction_comes_to_the_same() {
    let (one, other) = (at_last_release().await, at_last_release().await);
    migrations::apply(&one.app.db).await.unwrap();
    let client = other.app.db.dedicated().await.unwrap();
    client.batch_execute("begin").await.unwrap();
    migrations::apply_alone(&client).await.unwrap();
    client.batch_execute("commit").await.unwrap();
    let sql = "select version, name, checksum from refinery_schema_history order by version";
    let mut histories = Vec::new();
    for app in [&one, &other] {
        let client = app.app.db.dedicated().await.unwrap();
        let rows = client.query(sql, &[]).await.unwrap();
        histories.push(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect::<Vec<(i32, String, String)>>());
        assert_eq!(migrations::apply(&app.app.db).await.unwrap(), Vec::<String>::new());
    }
    assert_eq!(histories[0], histories[1]);
    one.finish().await;
    other.finish().await;
}
