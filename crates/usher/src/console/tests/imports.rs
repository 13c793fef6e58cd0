//! Files of users in and out by browser: what is asked, what is refused, and that nothing of a file is lost on the way.

use super::{signed_in, with};
use crate::testing::{Answer, Browser, Person, TestApp};

const BCRYPT: &str = "$2b$04$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";
const NEW: &str = "/admin/imports/new";

/// Sends a file by the form, and returns the way to its import.
async fn upload(browser: &mut Browser, fields: &[(&str, &str)], file: &str) -> String {
    browser.open(NEW).await.expect(200);
    let to = browser.upload_with(NEW, fields, ("file", "people.csv"), file.as_bytes()).await.expect(303);
    to.headers["location"].to_str().unwrap().to_owned()
}

/// The value of a member of the page's forms.
fn member<'a>(page: &'a Answer, name: &str) -> &'a str {
    page.text.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap()
}

async fn is_there(admin: &Person, email: &str) -> bool {
    let found = admin.client.get(&format!("/v1/users?filter=emails%20eq%20%22{email}%22")).await.expect(200);
    !found.json["items"].as_array().unwrap().is_empty()
}

#[tokio::test]
async fn a_file_is_judged_looked_at_applied_and_undone() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let file = format!("email,given_name\nnew@a.example,Nora\n{},Anna\nnobody,Nemo\n", ann.email);
    let import = upload(&mut browser, &[("mode", "upsert"), ("reason", "the new site")], &file).await;
    let page = browser.open(&import).await.expect(200);
    assert!(page.text.contains("data-state=\"classifying\"") && page.text.contains("Look again"), "{}", page.text);
    app.run_jobs().await;
    let page = browser.open(&import).await.expect(200);
    for text in
        ["people.csv", "the new site", "This would come of it", "Apply 2 rows", "Line 4", ">Anna</ins>", "Download the report"]
    {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!is_there(&admin, "new@a.example").await, "nothing is done yet");
    let narrowed = browser.open(&format!("{import}?rows=update")).await.expect(200);
    assert!(narrowed.text.contains(&ann.email) && !narrowed.text.contains("new@a.example"), "{}", narrowed.text);
    assert!(browser.open(&format!("{import}?rows=conflict")).await.expect(200).text.contains("No row."));
    let report = browser.open(&format!("{import}/report")).await.expect(200);
    assert!(report.text.starts_with("line,class,field,code,detail\r\n4,invalid,email,"), "{}", report.text);

    let token = member(&page, "token").to_owned();
    browser.open(&import).await.expect(200);
    browser.submit(&format!("{import}/apply"), &[("token", "x")]).await.expect(409);
    browser.submit(&format!("{import}/apply"), &[("token", &token), ("reason", "go on")]).await.expect(303);
    browser.submit(&format!("{import}/apply"), &[("token", &token)]).await.expect(303);
    assert!(browser.open(&import).await.text.contains("data-state=\"running\""));
    browser.submit(&format!("{import}/pause"), &[]).await.expect(303);
    assert!(browser.open(&import).await.text.contains("data-state=\"paused\""));
    browser.submit(&format!("{import}/resume"), &[]).await.expect(303);
    app.run_jobs().await;
    let page = browser.open(&import).await.expect(200);
    assert!(page.text.contains("data-state=\"finished\"") && page.text.contains("go on"), "{}", page.text);
    assert!(is_there(&admin, "new@a.example").await);
    browser.submit(&format!("{import}/pause"), &[]).await.expect(303);
    let list = browser.open("/admin/imports").await.expect(200);
    assert!(list.text.contains("people.csv") && list.text.contains("Finished"), "{}", list.text);

    let undo = format!("{}/undo", import.replace("imports", "changes"));
    browser.open(&undo).await.expect(200);
    browser.submit(&undo, &[]).await.expect(303);
    assert!(!is_there(&admin, "new@a.example").await);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn unknown_columns_are_shown_with_a_field_to_choose_for_each() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(NEW).await.expect(200);
    let file = b"E-Mail,Given Name,Shoe\nx@b.example,Xaver,42\n";
    let page = browser.upload_with(NEW, &[("mode", "upsert")], ("file", "x.csv"), file).await.expect(422);
    for text in [
        "name=\"column.1\" value=\"E-Mail\"",
        "Choose a field for “E-Mail”, or leave it out.",
        "Choose a field for “Shoe”, or leave it out.",
        "<option value=\"given_name\" selected>",
        "<option value=\"upsert\" selected>",
        "Choose it once more",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("field.2-error"), "{}", page.text);
    let chosen = [
        ("column.1", "E-Mail"),
        ("field.1", "email"),
        ("column.2", "Given Name"),
        ("field.2", "given_name"),
        ("column.3", "Shoe"),
        ("field.3", "-"),
    ];
    let to = browser.upload_with(NEW, &chosen, ("file", "x.csv"), file).await.expect(303);
    let import = to.headers["location"].to_str().unwrap().to_owned();
    app.run_jobs().await;
    let page = browser.open(&import).await.expect(200);
    assert!(page.text.contains("Apply 1 row<") && page.text.contains("Shoe → left out"), "{}", page.text);
    let id = import.rsplit('/').next().unwrap();
    let again = browser.open(&format!("{NEW}?like={id}")).await.expect(200);
    assert!(again.text.contains("E-Mail = email\nGiven Name = given_name\nShoe = -"), "{}", again.text);

    let first = [("columns_first", "on"), ("map", "E-Mail = email")];
    let page = browser.upload_with(NEW, &first, ("file", "x.csv"), file).await.expect(200);
    assert!(page.text.contains("<option value=\"email\" selected>") && page.text.contains("Choose a field<"), "{}", page.text);
    let theirs = [("columns_first", "on"), ("preset", "django"), ("map", "Shoe = -")];
    let page = browser.upload_with(NEW, &theirs, ("file", "x.csv"), b"first_name,Shoe\nx,1\n").await.expect(200);
    for text in ["<option value=\"\" selected>As the product has it<", "<option value=\"-\" selected>"] {
        assert_eq!(page.text.matches(text).count(), 1, "{text}: {}", page.text);
    }
    let imports = admin.client.get("/v1/imports").await.expect(200);
    assert_eq!(imports.json["items"].as_array().unwrap().len(), 1, "showing columns makes no import");
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_file_or_an_option_is_said_at_its_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(NEW).await.expect(200);
    let bad = [("map", "a = shoe")];
    for (fields, name, file, field) in [
        (&[][..], "", &b""[..], "file"),
        (&[], "empty.csv", b"", "file"),
        (&[], "x.json", b"[{", "file"),
        (&[], "utf16.csv", &[0xff, 0xfe, b'e', 0], "file"),
        (&[("preset", "nobody")], "x.csv", b"email\n", "preset"),
        (&[("format", "xml")], "x.csv", b"email\n", "format"),
        (&[("delimiter", "ab")], "x.csv", b"email\n", "delimiter"),
        (&[], "x.csv", b"email;name\n", "delimiter"),
        (&[("map", "email")], "x.csv", b"email\n", "map"),
        (&bad, "x.csv", b"email,a\n", "map"),
    ] {
        let page = browser.upload_with(NEW, fields, ("file", name), file).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{field} of {name}: {}", page.text);
        assert!(page.text.contains(&format!("href=\"#{field}\"")), "{}", page.text);
    }
    let own = browser.form_token.clone();
    browser.form_token = "x".to_owned();
    browser.upload_with(NEW, &[], ("file", "x.csv"), b"email\n").await.expect(403);
    browser.form_token = own;
    browser.submit(NEW, &[]).await.expect(415);
    browser.open("/admin/imports/nothing").await.expect(404);
    browser.open(&format!("{NEW}?like=nothing")).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_columns_is_said_in_german_too() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(NEW).await.expect(200);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    for (map, file, said) in [
        ("a = shoe", "email,a\n", "„shoe“ ist kein Feld eines Benutzers."),
        ("b = bio", "email\n", "Die Datei hat keine Spalte „b“."),
        ("a = -", "a\n", "Die Datei hat keine Spalte, die ein Feld eines Benutzers ist."),
    ] {
        let page = browser.upload_with(NEW, &[("map", map)], ("file", "x.csv"), file.as_bytes()).await.expect(422);
        assert!(page.text.contains("id=\"map-error\"") && page.text.contains(said), "{map}: {}", page.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn why_an_import_could_not_go_on_is_said_in_german_too() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    let mut theirs = signed_in(&app, &boss).await;
    let import = upload(&mut theirs, &[], "email\nnew@d.example\n").await;
    admin.client.post(&format!("/v1/users/{}/suspend", boss.id), serde_json::json!({})).await.expect(200);
    app.run_jobs().await;
    let mut browser = signed_in(&app, &admin).await;
    let said = "It could not go on: whoever began it may not do this any more. What is done is done.";
    let page = browser.open(&import).await.expect(200);
    assert!(page.text.contains("data-state=\"failed\"") && page.text.contains(said), "{}", page.text);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    let said = "Es ging nicht weiter: Wer das begonnen hat, darf es nicht mehr. Was getan ist, ist getan.";
    let page = browser.open(&import).await.expect(200);
    assert!(page.text.contains(said), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn an_import_is_for_whoever_may_change_users_as_much_as_it_may() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let reader = with(&app, &admin, "reader", &["users:read"]).await;
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &admin).await;
    let import = upload(&mut browser, &[], &format!("email,password_hash\np@c.example,{BCRYPT}\n")).await;
    app.run_jobs().await;
    let mut theirs = signed_in(&app, &boss).await;
    assert!(theirs.open("/admin/imports").await.expect(200).text.contains("There was none yet"));
    theirs.open(&import).await.expect(403);
    theirs.open(&format!("{import}/report")).await.expect(403);
    theirs.open(NEW).await.expect(200);
    theirs.submit(&format!("{import}/apply"), &[("token", "x")]).await.expect(403);
    let own = upload(&mut theirs, &[], &format!("email,password_hash\nq@c.example,{BCRYPT}\n")).await;
    app.run_jobs().await;
    let page = theirs.open(&own).await.expect(200);
    assert!(page.text.contains("need the permission roles:assign") && page.text.contains("nothing to apply"), "{}", page.text);

    let mut other = signed_in(&app, &reader).await;
    let page = other.open("/admin/export").await.expect(200);
    assert!(!page.text.contains("/admin/imports") && !page.text.contains("password_hashes"), "{}", page.text);
    other.submit("/admin/export", &[("format", "csv"), ("field.id", "on"), ("password_hashes", "on")]).await.expect(403);
    for place in ["/admin/imports", NEW, &import] {
        other.open(place).await.expect(403);
    }
    other.upload_with(NEW, &[], ("file", "x.csv"), b"email\n").await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn an_export_is_the_file_itself_and_its_faults_are_at_their_fields() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    browser.open("/admin/export").await.expect(200);
    let some = [("format", "csv"), ("field.email", "on"), ("field.status", "on")];
    for (more, field) in [(("filter", "shoe eq 1"), "filter"), (("after", "nobody"), "after"), (("field.status", ""), "none")] {
        let all: Vec<(&str, &str)> = some.iter().copied().filter(|(name, _)| *name != more.0).chain([more]).collect();
        let answer = browser.submit("/admin/export", &all).await;
        if field == "none" {
            answer.expect(200);
            continue;
        }
        let page = answer.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.text);
        assert_eq!(page.text.contains("<mark>"), field == "filter", "{}", page.text);
    }
    let page = browser.submit("/admin/export", &[("format", "csv")]).await.expect(422);
    assert!(page.text.contains("Choose a field at least."), "{}", page.text);
    let page = browser.submit("/admin/export", &[("format", "xml"), ("field.id", "on")]).await.expect(422);
    assert!(page.text.contains("id=\"format-error\""), "{}", page.text);
    let filter = format!("emails eq \"{}\"", ann.email);
    let form: Vec<(&str, &str)> = some.into_iter().chain([("filter", filter.as_str()), ("reason", "for the board")]).collect();
    let file = browser.submit("/admin/export", &form).await.expect(200);
    assert_eq!(file.text, format!("email,status\r\n{},active\r\n", ann.email));
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"users.csv\"");
    let noted = admin.client.get("/v1/audit-events?action=users.exported&limit=1").await.expect(200);
    assert_eq!(noted.json["items"][0]["reason"], "for the board");
    app.finish().await;
}

#[tokio::test]
async fn password_hashes_need_a_fresh_proof() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/export").await.expect(200);
    assert!(page.text.contains("With the hashes of passwords"), "{}", page.text);
    let form = [("format", "ndjson"), ("field.email", "on"), ("password_hashes", "on")];
    let file = browser.submit("/admin/export", &form).await.expect(200);
    assert!(file.text.contains("\"password_hash\":\"$argon2id$"), "{}", file.text);
    app.advance(jiff::SignedDuration::from_mins(11));
    let to = browser.submit("/admin/export", &form).await.expect(303);
    let to = to.headers["location"].to_str().unwrap().to_owned();
    assert!(to.starts_with("/reauthenticate?return_to=%2Fadmin%2Fexport%3Fformat%3Dndjson"), "{to}");
    let page = browser.open("/admin/export?format=ndjson&password_hashes=on&without=bio").await.expect(200);
    assert!(page.text.contains("<option value=\"ndjson\" selected>"), "{}", page.text);
    assert!(page.text.contains("name=\"password_hashes\" checked") && !page.text.contains("name=\"field.bio\" checked"));
    app.finish().await;
}
