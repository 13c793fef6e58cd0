//! The filter language over users: what it finds, what it refuses, and how many it looks at.

use serde_json::{Map, Value as Json, json};

use crate::caller::Authority;
use crate::emails::EmailAddress;
use crate::roles::RoleName;
use crate::testing::{Client, TestApp};
use crate::users::{self, ChangeOfStanding, IfTaken, Name, NewUser, Profile, Username};

pub async fn find(client: &Client, filter: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
    let list = client.get(&format!("/v1/users?limit=200&{query}")).await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    let mut names: Vec<String> = items.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

pub struct Made<'a> {
    pub username: &'a str,
    pub display_name: Option<&'a str>,
    pub verified: bool,
    pub roles: &'a [&'a str],
    pub suspended: bool,
    pub attributes: Map<String, Json>,
}

pub async fn make(app: &TestApp, made: Made<'_>) {
    let email = EmailAddress::parse(&format!("{}@mail.example", made.username)).unwrap();
    let roles: Vec<RoleName> = made.roles.iter().map(|role| RoleName::from(*role)).collect();
    let mut tx = app.tx().await;
    let new = NewUser {
        email: &email,
        verified: made.verified,
        username: Some(&Username::parse(made.username).unwrap()),
        if_username_taken: IfTaken::Refuse,
        profile: &Profile { display_name: made.display_name.map(|name| Name(name.to_owned())), ..Profile::default() },
        attributes: &made.attributes,
        roles: &roles,
    };
    let user = users::create(&mut tx, Authority::operator(), new).await.unwrap();
    if made.suspended {
        users::change_standing(&mut tx, &user, ChangeOfStanding::Suspend).await.unwrap();
    }
    tx.commit().await.unwrap();
}

const NAMES: [Option<&str>; 6] = [None, Some("Ann Baker"), Some("ANN"), Some("Bob_100%"), Some("Zoë Groß"), Some("a b c")];

/// Forty users that differ in everything a filter can ask for.
async fn crowd(app: &TestApp) {
    for at in 0..40 {
        app.advance(jiff::SignedDuration::from_secs(1));
        let roles: &[&str] = [&["user"][..], &["user", "manager"], &[]][at % 3];
        let username = format!("{}{at:02}", ["ann", "Bob", "zed"][at % 3]);
        let made = Made {
            username: &username,
            display_name: NAMES[at % NAMES.len()],
            verified: at % 4 != 0,
            roles,
            suspended: at % 5 == 0,
            attributes: Map::new(),
        };
        make(app, made).await;
    }
}

#[tokio::test]
async fn what_the_documentation_shows_finds_what_it_says() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app).await;
    for (filter, expected) in [
        ("userName eq \"BOB01\"", 1),
        ("username sw \"AN\"", 14),
        ("displayName co \"ann\" and userName sw \"bob\"", 7),
        ("displayName eq \"bob_100%\"", 7),
        ("displayName ew \"GROß\"", 6),
        ("email eq \"ann00@MAIL.example\"", 1),
        ("emails co \"zed\"", 13),
        ("emails[value sw \"bob\" and verified eq false]", 3),
        ("roles eq \"manager\"", 13),
        ("status eq \"suspended\"", 8),
        ("createdAt gt \"2026-01-01T00:00:35Z\" and userName pr", 5),
        ("not (roles pr)", 13),
        ("emailVerified eq true and not (lastSignInAt pr)", 30),
        ("displayName eq null and urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"a\"", 7),
        ("id eq \"0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d\"", 0),
    ] {
        assert_eq!(find(&admin, filter).await.len(), expected, "{filter}");
    }
    app.finish().await;
}

#[tokio::test]
async fn r192_what_does_not_fit_is_refused_with_its_column_and_never_finds_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for (filter, detail) in [
        ("userName", "column"),
        ("shoeSize eq 43", "column 1: `shoeSize` is no attribute of users; there are id, userName"),
        ("userName pr and status gt \"active\"", "column 17: `status` can't be compared with it by `gt`"),
        ("createdAt co \"2026\"", "column 1: `createdAt` can't be compared with a time by `co`"),
        ("createdAt gt 5", "column 1: `createdAt` is compared with a time in quotes"),
        ("createdAt gt \"yesterday\"", "column 1: `createdAt` is compared with a time in quotes"),
        ("emailVerified eq \"yes\"", "column 1: `emailVerified` is compared with true or false"),
        ("status eq \"gone\"", "column 1: a status is"),
        ("id eq \"7\"", "column 1: an id is a UUID"),
        ("roles[value eq \"x\"]", "column 1: `roles` has no elements"),
        ("userName pr and groups co \"a\"", "column 17: `groups` can't be compared with it by `co`"),
        ("groups eq true", "column 1: `groups` is compared with a text in quotes"),
        ("groups[size eq \"x\"]", "column 8: `size` is nothing of a group; there are value, display and type"),
        ("groups[display pr or value sw \"x\"]", "column 22: `value` can't be compared with it by `sw`"),
        ("groups[display gt \"x\"]", "column 8: `display` can't be compared with a text by `gt`"),
        ("groups[type eq \"near\"]", "column 8: a type is \"direct\" or \"indirect\""),
        ("groups[type eq null]", "column 8: `type` is compared with a text in quotes"),
        ("lastActiveOn co \"2026\"", "column 1: `lastActiveOn` can't be compared with a day by `co`"),
        ("lastActiveOn gt 5", "column 1: `lastActiveOn` is compared with a day in quotes"),
        ("lastActiveOn gt \"2026-06-01T00:00:00Z\"", "column 1: `lastActiveOn` is compared with a day in quotes"),
        ("lastActiveOn gt \"2026-02-30\"", "column 1: `lastActiveOn` is compared with a day in quotes"),
        ("secondFactors eq \"yes\"", "column 1: `secondFactors` is compared with true or false"),
        ("not (secondFactors.app pr)", "column 6: `secondFactors.app` is true or false of everybody"),
        ("secondFactors eq null", "column 1: `secondFactors` is true or false of everybody"),
        ("secondFactors.totp eq true", "column 1: `secondFactors.totp` is no attribute"),
        ("password eq \"x\"", "column 1: `password` is no attribute"),
        ("urn:example:other:userName eq \"x\"", "is no attribute"),
    ] {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        let refused = admin.get(&format!("/v1/users?{query}")).await.expect_problem(422, "invalid_query");
        assert_eq!(refused.json["errors"][0]["parameter"], "filter");
        let text = refused.json["errors"][0]["detail"].as_str().unwrap();
        assert!(text.contains(detail), "{filter}: {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn fields_and_counts_are_given_as_asked() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app).await;
    let list =
        admin.get("/v1/users?limit=2&count=true&fields=username,%20email&filter=roles%20eq%20%22manager%22").await.expect(200);
    assert_eq!(list.json["total"], json!({ "count": 13, "exact": true }));
    for item in list.json["items"].as_array().unwrap() {
        assert_eq!(item.as_object().unwrap().keys().collect::<Vec<_>>(), ["username", "email"]);
    }
    assert_eq!(admin.get("/v1/users").await.expect(200).json.get("total"), None);
    assert_eq!(admin.get("/v1/users?count=true").await.expect(200).json["total"]["count"], 41);
    let refused = admin.get("/v1/users?fields=username,password").await.expect_problem(422, "invalid_query");
    assert_eq!(refused.json["errors"][0]["parameter"], "fields");
    app.finish().await;
}

fn usernames(list: &Json) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_walk_through_many_shows_the_same_pages_as_a_look_up_of_few() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let mut tx = app.tx().await;
    let users = "
        insert into users (id, username, status, display_name, given_name, created_at, updated_at)
        select md5('user' || at)::uuid, 'qq' || lpad(at::text, 5, '0'), 'active',
            case when at >= 2000 or at % 20 = 0 then 'needle' end, case when at >= 2000 then 'thimble' end,
            timestamptz '2026-01-01' + at * interval '1 ms', '2026-01-01'
        from generate_series(0, 10499) as at";
    tx.execute(users, &[]).await.unwrap();
    tx.execute("analyze users", &[]).await.unwrap();
    tx.commit().await.unwrap();
    for (query, exact) in [("filter=userName%20sw%20%22qq0%22", true), ("q=qq", false)] {
        let first = admin.get(&format!("/v1/users?sort=username&limit=100&count=true&{query}")).await.expect(200);
        assert_eq!(first.json["total"]["exact"], exact, "{query}");
        let count = first.json["total"]["count"].as_i64().unwrap();
        assert!(if exact { count == 10_000 } else { count > 10_000 }, "{query}: {count}");
        let next = first.json["next"].as_str().unwrap();
        let second = admin.get(&format!("/v1/users?sort=username&limit=100&cursor={next}&{query}")).await.expect(200);
        assert_eq!(usernames(&first.json)[99], "qq00099", "{query}: {:?}", usernames(&first.json));
        assert_eq!(usernames(&second.json)[0], "qq00100");
    }
    // Where the walk meets some on its first part, and where it meets none there.
    let name = |number: usize| format!("qq{number:05}");
    for (q, total, expected) in [
        ("needle", 8600, (0..2000).step_by(20).map(name).chain((2000..2250).map(name)).collect::<Vec<_>>()),
        ("thimble", 8500, (2000..2350).map(name).collect()),
    ] {
        for sort in ["username", "created_at"] {
            let first = admin.get(&format!("/v1/users?sort={sort}&limit=200&count=true&q={q}")).await.expect(200);
            assert_eq!(first.json["total"], json!({ "count": total, "exact": true }), "{q}");
            let next = first.json["next"].as_str().unwrap();
            let second = admin.get(&format!("/v1/users?sort={sort}&limit=150&cursor={next}&q={q}")).await.expect(200);
            assert_eq!([usernames(&first.json), usernames(&second.json)].concat(), expected, "{q} by {sort}");
        }
    }
    app.finish().await;
}
