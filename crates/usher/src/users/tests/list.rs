//! Lists of users: pages, search and filters.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::caller::Authority;
use crate::emails::EmailAddress;
use crate::roles::RoleName;
use crate::testing::{Answer, Client, TestApp};
use crate::users::{self, IfTaken, Name, NewUser, Profile, Username};

/// Users `user0`.. in threes that were created at the same time.
async fn crowd(app: &TestApp, count: usize) {
    for at in 0..count {
        if at % 3 == 0 {
            app.advance(SignedDuration::from_secs(1));
        }
        somebody(app, &format!("User{:02}", (at * 7) % count), None).await;
    }
}

async fn somebody(app: &TestApp, username: &str, display_name: Option<&str>) {
    let email = EmailAddress::parse(&format!("{username}@mail.example")).unwrap();
    let mut tx = app.tx().await;
    let new = NewUser {
        email: &email,
        verified: true,
        username: Some(&Username::parse(username).unwrap()),
        if_username_taken: IfTaken::Refuse,
        profile: &Profile { display_name: display_name.map(|name| Name(name.to_owned())), ..Profile::default() },
        attributes: &Map::new(),
        roles: &[RoleName::from("user")],
    };
    users::create(&mut tx, Authority::operator(), new).await.unwrap();
    tx.commit().await.unwrap();
}

fn column(list: &Answer, member: &str) -> Vec<String> {
    let items = list.json["items"].as_array().unwrap();
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// The path in `Link: <..>; rel="next"`.
fn next_link(list: &Answer) -> Option<String> {
    let link = list.headers.get("link")?.to_str().unwrap();
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

async fn refused(client: &Client, query: &str, parameter: &str) -> Answer {
    let answer = client.get(&format!("/v1/users?{query}")).await.expect_problem(422, "invalid_query");
    assert_eq!(answer.json["errors"][0]["parameter"], parameter, "{query}: {}", answer.text);
    answer
}

async fn usernames(client: &Client, query: &str) -> Vec<String> {
    let mut names = column(&client.get(&format!("/v1/users?{query}")).await.expect(200), "username");
    names.sort();
    names
}

#[tokio::test]
async fn walking_the_pages_meets_everybody_once_in_every_order() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 30).await;
    for sort in ["created_at", "-created_at", "username", "-username"] {
        let member = sort.trim_start_matches('-');
        let mut met = Vec::new();
        let mut path = format!("/v1/users?sort={sort}&limit=7");
        let mut pages = 0;
        loop {
            let page = admin.get(&path).await.expect(200);
            met.extend(column(&page, "id").into_iter().zip(column(&page, member)));
            pages += 1;
            let Some(next) = page.json["next"].as_str() else {
                assert_eq!(next_link(&page), None);
                break;
            };
            assert_eq!(column(&page, "id").len(), 7);
            assert_eq!(next_link(&page), Some(format!("/v1/users?sort={sort}&limit=7&cursor={next}")));
            path = next_link(&page).unwrap();
        }
        assert_eq!((met.len(), pages), (31, 5), "{sort}");
        assert_eq!(met.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 31, "{sort}");
        let keys: Vec<String> = met.into_iter().map(|(_, key)| key.to_lowercase()).collect();
        let mut sorted = keys.clone();
        sorted.sort();
        if sort.starts_with('-') {
            sorted.reverse();
        }
        assert_eq!(keys, sorted, "{sort}");
    }
    app.finish().await;
}

#[tokio::test]
async fn who_comes_while_the_pages_are_turned_moves_nobody() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 6).await;
    let first = admin.get("/v1/users?limit=4").await.expect(200);
    app.advance(SignedDuration::from_secs(1));
    somebody(&app, "newcomer", None).await;
    let second = admin.get(&next_link(&first).unwrap()).await.expect(200);
    let met: BTreeSet<String> = column(&first, "id").into_iter().chain(column(&second, "id")).collect();
    assert_eq!((met.len(), &second.json["next"]), (7, &Value::Null));
    app.finish().await;
}

#[tokio::test]
async fn r224_a_page_has_1_to_200_items() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for limit in ["0", "201", "-1", "65536", "99999999999999999999", "ten", "1.5", ""] {
        refused(&admin, &format!("limit={limit}"), "limit").await;
    }
    for limit in ["1", "200"] {
        admin.get(&format!("/v1/users?limit={limit}")).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_and_its_order() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 4).await;
    let cursor = |list: Answer| list.json["next"].as_str().unwrap().to_owned();
    let own = cursor(admin.get("/v1/users?limit=2&sort=username").await.expect(200));
    let foreign = cursor(admin.get("/v1/audit-events?limit=2").await.expect(200));
    let mut bad = vec!["garbage".to_owned(), "%3D%3D".to_owned(), "a".repeat(2000), String::new(), foreign, own[1..].to_owned()];
    bad.extend(
        [json!({}), json!(null), json!({ "Username": 5 }), json!(["x"])].map(|key| URL_SAFE_NO_PAD.encode(key.to_string())),
    );
    for bad in bad {
        refused(&admin, &format!("sort=username&cursor={bad}"), "cursor").await;
    }
    for sort in ["created_at", "-created_at", "-username"] {
        refused(&admin, &format!("sort={sort}&cursor={own}"), "cursor").await;
    }
    // What is in a cursor is a value and never becomes part of the statement.
    let forged =
        URL_SAFE_NO_PAD.encode(json!({ "Username": ["username", "ForFew", "' or 1=1; drop table users; --"] }).to_string());
    admin.get(&format!("/v1/users?sort=username&cursor={forged}")).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn search_looks_into_names_user_names_and_addresses_and_takes_text_literally() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    somebody(&app, "one", Some("Jürgen Groß")).await;
    somebody(&app, "two", Some("100% Sure")).await;
    somebody(&app, "three", Some("under_score")).await;
    somebody(&app, "four", Some(r"back\slash")).await;
    somebody(&app, "five", Some("Ὀδυσσεύς O'Hara")).await;
    for (text, expected) in [
        ("jürgen", "one"),
        ("JÜRGEN", "one"),
        ("groß", "one"),
        ("Two", "two"),
        ("%", "two"),
        ("0% s", "two"),
        ("_", "three"),
        ("r_s", "three"),
        ("\\", "four"),
        ("FIVE@MAIL", "five"),
        ("ὀδυ", "five"),
        ("O'Hara", "five"),
        ("' or 1=1 --", ""),
        ("%%", ""),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let found = usernames(&admin, &format!("q={query}")).await;
        assert_eq!(found.join(","), expected, "{text}");
    }
    assert_eq!(usernames(&admin, "q=mail.example").await.len(), 5);
    refused(&admin, "q=", "q").await;
    refused(&admin, &format!("q={}", "x".repeat(101)), "q").await;
    refused(&admin, "q=%00", "q").await;
    admin.get(&format!("/v1/users?q={}", "%C3%BC".repeat(100))).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn what_the_database_expects_to_be_many_is_not_counted_where_a_page_is_full() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let mut tx = app.tx().await;
    let users = "
        insert into users (id, username, status, created_at, updated_at)
        select md5('user' || at)::uuid, 'crowd' || lpad(at::text, 5, '0'), 'active', '2026-01-01', '2026-01-01'
        from generate_series(0, 50999) as at";
    tx.execute("alter table users set (autovacuum_enabled = false)", &[]).await.unwrap();
    tx.execute(users, &[]).await.unwrap();
    tx.execute("analyze users", &[]).await.unwrap();
    // What it expects is out of date from here on.
    tx.execute("delete from users where username between 'crowd00100' and 'crowd99999'", &[]).await.unwrap();
    tx.commit().await.unwrap();
    for (query, expected) in [
        ("limit=99&q=crowd", None),
        ("limit=99&status=active", None),
        ("limit=100&q=crowd", Some(100)),
        ("limit=99&filter=userName%20sw%20%22crowd%22", Some(100)),
        ("limit=99&role=admin", Some(1)),
    ] {
        let page = admin.get(&format!("/v1/users?count=true&{query}")).await.expect(200);
        let total = &page.json["total"];
        match expected {
            Some(count) => assert_eq!(*total, json!({ "count": count, "exact": true }), "{query}"),
            None => assert!(total["exact"] == false && total["count"].as_i64() >= Some(50_000), "{query}: {total}"),
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn whoever_is_found_by_name_and_by_address_is_found_once() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 20).await;
    somebody(&app, "elsewhere", Some("User-friendly")).await;
    // 20 by name and address, one by a name alone.
    for (q, total) in [("user", 21), ("user0", 10), ("user-", 1), ("mail.example", 21), ("user07@", 1), ("nobody", 0)] {
        let mut met = Vec::new();
        let mut path = format!("/v1/users?sort=username&limit=8&count=true&q={q}");
        loop {
            let page = admin.get(&path).await.expect(200);
            assert_eq!(page.json["total"], json!({ "count": total, "exact": true }), "{q}");
            met.extend(column(&page, "username"));
            let Some(next) = next_link(&page) else { break };
            path = next;
        }
        assert_eq!(met.len(), total, "{q}: {met:?}");
        assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), total, "{q}: {met:?}");
    }
    let query = "q=user0&role=user&status=active&filter=username%20co%20%227%22";
    assert_eq!(usernames(&admin, query).await, ["User07"]);
    assert_eq!(usernames(&admin, "q=user07@&role=manager").await, Vec::<String>::new());
    app.finish().await;
}

#[tokio::test]
async fn filters_choose_by_status_role_and_time() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    app.advance(SignedDuration::from_secs(60));
    for name in ["active", "suspended", "deleted"] {
        somebody(&app, name, None).await;
    }
    admin
        .post("/v1/users", json!({ "email": "p@mail.example", "username": "pending", "roles": ["user", "manager"] }))
        .await
        .expect(201);
    let found = admin.get("/v1/users?q=suspended").await.expect(200);
    admin.post(&format!("/v1/users/{}/suspend", column(&found, "id")[0]), json!({})).await.expect(200);
    let found = admin.get("/v1/users?q=deleted").await.expect(200);
    admin.delete(&format!("/v1/users/{}", column(&found, "id")[0])).await.expect(204);

    let root = column(&admin.get("/v1/users?role=admin").await.expect(200), "username").remove(0);
    let mut all = vec![root.clone(), "active".to_owned(), "pending".to_owned(), "suspended".to_owned()];
    all.sort();
    assert_eq!(usernames(&admin, "").await, all);
    for status in ["pending", "suspended", "deleted"] {
        assert_eq!(usernames(&admin, &format!("status={status}")).await, [status]);
    }
    assert_eq!(usernames(&admin, "q=deleted").await, Vec::<String>::new());
    assert_eq!(usernames(&admin, "q=deleted&status=deleted").await, ["deleted"]);
    assert_eq!(usernames(&admin, "role=manager").await, ["pending"]);
    assert_eq!(usernames(&admin, "role=of_tomorrow").await, Vec::<String>::new());
    assert_eq!(usernames(&admin, "status=active&role=admin").await.join(","), root);
    assert_eq!(usernames(&admin, "created_before=2026-01-01T00:01:00Z").await, [root]);
    assert_eq!(usernames(&admin, "created_after=2026-01-01T00:01:00Z").await, ["active", "pending", "suspended"]);
    assert_eq!(usernames(&admin, "created_after=2026-01-01T01:01:00.000001%2B01:00").await, Vec::<String>::new());
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn parameters_that_are_unknown_or_bad_are_named() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for (query, parameter) in [
        ("state=active", "state"),
        ("Status=active", "Status"),
        ("status=gone", "status"),
        ("status=", "status"),
        ("sort=email", "sort"),
        ("created_after=yesterday", "created_after"),
        ("created_before=2026-01-01", "created_before"),
        ("status=active&status=pending", "status"),
        ("limit=1&limit=1", "limit"),
        ("role=%00", "role"),
    ] {
        refused(&admin, query, parameter).await;
    }
    app.finish().await;
}
