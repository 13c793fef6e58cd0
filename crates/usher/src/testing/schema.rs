//! What holds for the schema: every statement fits it, migrations apply to nothing, and it explains itself.

use std::path::Path;

use syn::visit::Visit;

use super::TestApp;
use super::house::files_named;
use crate::db::migrations::{self, Standing};

/// The SQL in a source file: every text that begins as a statement does.
#[derive(Default)]
struct Statements(Vec<String>);

impl<'ast> Visit<'ast> for Statements {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        let sql = text.value();
        let first = sql.split_whitespace().next().unwrap_or_default();
        if ["select", "insert", "update", "delete", "with", "lock"].contains(&first) && sql.contains(' ') {
            self.0.push(sql);
        }
    }
}

#[tokio::test]
async fn every_statement_fits_the_migrated_schema() {
    let app = TestApp::new().await;
    let client = app.app.db.dedicated().await.unwrap();
    let mut files = Vec::new();
    files_named("store.rs", &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() >= 12, "{files:?}");
    let mut prepared = 0;
    for file in files {
        let mut statements = Statements::default();
        statements.visit_file(&syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap());
        for sql in statements.0 {
            if let Err(error) = client.prepare(&sql).await {
                let why = error.as_db_error().map(ToString::to_string);
                panic!("{}: {}\n{sql}", file.display(), why.unwrap_or_else(|| error.to_string()));
            }
            prepared += 1;
        }
    }
    assert!(prepared > 60, "only {prepared} statements were found");
    app.finish().await;
}

#[tokio::test]
async fn migrations_apply_to_an_empty_database_and_a_newer_schema_is_refused_when_a_contract_says_so() {
    let app = TestApp::new().await;
    let states = migrations::status(&app.app.db).await.unwrap();
    assert!(states.len() >= 4 && states.iter().all(|state| state.applied && state.known));
    assert_eq!(migrations::apply(&app.app.db).await.unwrap(), Vec::<String>::new());
    let client = app.app.db.dedicated().await.unwrap();
    let newer = "insert into refinery_schema_history (version, name, applied_on, checksum) values (999, 'of_tomorrow', '', '')";
    client.batch_execute(newer).await.unwrap();
    // A newer release has expanded the schema: this one goes on, and leaves it alone.
    assert_eq!(migrations::check(&app.app.db).await.unwrap(), Standing::Newer { version: 999 });
    assert_eq!(migrations::apply(&app.app.db).await.unwrap(), Vec::<String>::new());
    let states = migrations::status(&app.app.db).await.unwrap();
    assert_eq!(states.iter().filter(|state| !state.known).map(|state| state.version).collect::<Vec<_>>(), [999]);
    // And then a contract.
    let contract = format!("update schema_compatibility set oldest_version = {}", migrations::newest() + 1);
    client.batch_execute(&contract).await.unwrap();
    for error in [
        migrations::check(&app.app.db).await.map(|_| ()).unwrap_err(),
        migrations::apply(&app.app.db).await.map(|_| ()).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(error.contains("schema version 999") && error.contains("run a newer release"), "{error}");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_column_and_table_that_needs_it_is_commented() {
    let app = TestApp::new().await;
    let uncommented = "
        select count(*)
        from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname not like 'refinery%'
            and obj_description(c.oid, 'pg_class') is null";
    assert_eq!(app.count(uncommented).await, 0);
    app.finish().await;
}
