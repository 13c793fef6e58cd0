//! What an import comes to, as an operator reads it.

use super::super::{Outcome, boot, output};
use crate::app::App;
use crate::audit;
use crate::error::AppResult;
use crate::imports::{self, Class, Counts, Import, Row, State};

/// Faults that are shown; all of them are in the report.
const FAULTS_SHOWN: usize = 10;
/// Users whose changes are shown.
const UPDATES_SHOWN: i64 = 10;
/// A value is shown so far.
const VALUE_MAX: usize = 120;

pub async fn show(app: &App, import: &Import, json: bool) -> Outcome {
    if json {
        return Ok(output::json(import)?);
    }
    let Counts { waiting, create, update, unchanged, conflict, invalid, done, failed } = import.counts;
    let named = [
        ("import", import.id.to_string()),
        ("source", import.source.clone()),
        ("state", import.state.as_str().to_owned()),
        ("rows", import.total.to_string()),
    ];
    let numbers = [
        ("not judged", waiting),
        ("create", create),
        ("update", update),
        ("done", done),
        ("unchanged", unchanged),
        ("conflict", conflict),
        ("invalid", invalid),
        ("failed", failed),
        ("mails", import.mails),
    ];
    let numbers = numbers.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.to_string()));
    output::fields(&named.into_iter().chain(numbers).collect::<Vec<_>>());
    for line in updates(app, import).await? {
        output::say(line);
    }
    faults(app, import).await
}

/// What would become of the first users who are changed, field by field. No row says anything of passwords here.
pub async fn updates(app: &App, import: &Import) -> AppResult<Vec<String>> {
    let update = import.counts.update;
    if import.state != State::Ready || update == 0 {
        return Ok(Vec::new());
    }
    let mut tx = app.begin(&boot::operator(None)).await?;
    let rows = imports::list_rows(&mut tx, import.id, Some(Class::Update), 0, UPDATES_SHOWN).await?;
    tx.commit().await?;
    let mut lines = vec![String::new()];
    lines.extend(rows.iter().flat_map(differences));
    if update > UPDATES_SHOWN {
        let place = format!("/v1/imports/{}/rows?class=update", import.id);
        lines.push(format!("(the first {UPDATES_SHOWN} of {update} users; GET {place} has all, and so has /admin/imports)"));
    }
    lines.push(String::new());
    Ok(lines)
}

fn differences(row: &Row) -> Vec<String> {
    let id = row.user_id.map(|id| id.to_string());
    let user = row.email.as_deref().or(row.username.as_deref()).or(id.as_deref()).unwrap_or("-");
    let value = |value: &serde_json::Value| {
        let text = value.to_string();
        match text.char_indices().nth(VALUE_MAX) {
            Some((end, _)) => format!("{} ...", &text[..end]),
            None => text,
        }
    };
    let changes = row.changes.as_ref().map(audit::fields).unwrap_or_default();
    let line = |(field, before, after)| format!("{user}  {field}: {} -> {}", value(before), value(after));
    changes.into_iter().map(line).collect()
}

async fn faults(app: &App, import: &Import) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let mut rows = imports::list_faulty(&mut tx, import.id, i64::try_from(FAULTS_SHOWN).unwrap_or_default()).await?;
    tx.commit().await?;
    rows.truncate(FAULTS_SHOWN);
    let faults = rows.iter().flat_map(|row| row.faults.iter().map(move |fault| (row, fault)));
    let line = |(row, fault): (&Row, &imports::Fault)| {
        let class = row.outcome.as_deref().or(row.class.as_deref()).unwrap_or(Class::Invalid.as_str());
        vec![row.line.to_string(), class.to_owned(), fault.field.clone(), fault.detail.clone()]
    };
    let shown: Vec<_> = faults.take(FAULTS_SHOWN).map(line).collect();
    if !shown.is_empty() {
        output::table(&["line", "class", "field", "what is wrong"], shown, "");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use uuid::Uuid;

    use super::*;
    use crate::caller::Authority;
    use crate::imports::{Mode, Options, Step};
    use crate::testing::TestApp;

    const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    async fn judged(app: &App, mode: Mode, file: String) -> Import {
        let (by, origin) = (Authority::operator(), boot::operator(None));
        let options = Options { mode, ..Options::default() };
        let id = imports::stage(app, by, &origin, options, "test.csv", Cursor::new(file.into_bytes())).await.unwrap();
        while imports::classify_step(app, id).await.unwrap() == Step::More {}
        read(app, id).await
    }

    async fn read(app: &App, id: Uuid) -> Import {
        let mut tx = app.begin(&boot::operator(None)).await.unwrap();
        let import = imports::read(&mut tx, Authority::operator(), id).await.unwrap();
        tx.commit().await.unwrap();
        import
    }

    async fn apply(app: &App, import: &Import) {
        let mut tx = app.begin(&boot::operator(None)).await.unwrap();
        imports::begin(&mut tx, Authority::operator(), import.id, import.token.as_deref().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        while imports::apply_step(app, import.id).await.unwrap() == Step::More {}
    }

    fn file(given_name: &str, bio: &str, count: usize) -> String {
        let row = |at: usize| format!("p{at:02}@mail.example,{given_name},{bio},{HASH}\n");
        format!("email,given_name,bio,password_hash\n{}", (0..count).map(row).collect::<String>())
    }

    #[tokio::test]
    async fn a_preview_shows_field_by_field_what_it_would_change() {
        let app = TestApp::new().await;
        let new = judged(&app.app, Mode::CreateOnly, file("Ann", "", 12)).await;
        assert_eq!(updates(&app.app, &new).await.unwrap(), Vec::<String>::new(), "nobody is changed");
        apply(&app.app, &new).await;

        let few = judged(&app.app, Mode::Upsert, file("Ann \u{1b}[2J", "Gardener", 2).replace("p01", "other")).await;
        assert_eq!(few.counts.update, 0, "a name with a control character is none: {:?}", few.counts);
        let few = judged(&app.app, Mode::Upsert, file("Eve", "Gardener", 2).replace("p01", "other")).await;
        let expected =
            ["", "p00@mail.example  bio: null -> \"Gardener\"", "p00@mail.example  given_name: \"Ann\" -> \"Eve\"", ""];
        assert_eq!(updates(&app.app, &few).await.unwrap(), expected);

        let many = judged(&app.app, Mode::Upsert, file("Ann", &"x".repeat(500), 12)).await;
        let lines = updates(&app.app, &many).await.unwrap();
        assert_eq!(lines.len(), 13, "{lines:#?}");
        assert!(lines[1..11].iter().all(|line| line.ends_with("xxx ...") && line.len() < 200), "{lines:#?}");
        assert!(lines[11].contains("first 10 of 12") && lines[11].contains(&many.id.to_string()), "{}", lines[11]);
        assert!(!lines.concat().contains("$2a$"), "no hash of a password is shown");

        apply(&app.app, &many).await;
        let done = read(&app.app, many.id).await;
        assert_eq!(done.counts.done, 12);
        assert_eq!(updates(&app.app, &done).await.unwrap(), Vec::<String>::new(), "nothing is to be done any more");
        app.finish().await;
    }
}
