//! What is shown of settings.

use super::*;
use crate::testing::TestApp;

fn listed(pairs: &[(&str, &str)]) -> Vec<InForce> {
    let given = [("USHER_DATA_DIR", "/nonexistent")].into_iter().chain(pairs.iter().copied());
    let source = config::Source::from_pairs(given);
    list(&Config::from_source(&source).unwrap().0)
}

#[test]
fn every_setting_is_there_once_in_the_order_of_its_section() {
    let all = listed(&[]);
    let names: Vec<_> = all.iter().map(|one| one.name).collect();
    assert_eq!(names, config::settings().map(|setting| setting.name).collect::<Vec<_>>());
    let mut others = all.iter().filter(|one| one.name != "USHER_DATA_DIR");
    assert!(others.all(|one| !one.given && !one.changed && one.source == Source::Default));
}

#[test]
fn what_was_given_is_marked_and_no_secret_is_shown() {
    let secret = "6dfb6e4a40fd1b7a3c1c1d9d1a9a6e6f6dfb6e4a40fd1b7a3c1c1d9d1a9a6e6f";
    let url = "postgres://usher:hunter-of-words@db/usher";
    let all = listed(&[
        ("USHER_REGISTRATION", "invite"),
        ("USHER_LOG_LEVEL", "info"),
        ("USHER_SECRET_KEY", secret),
        ("USHER_DATABASE_URL", url),
    ]);
    let one = |name: &str| all.iter().find(|one| one.name == name).unwrap();
    let registration = one("USHER_REGISTRATION");
    assert_eq!((registration.value.as_deref(), registration.default, registration.changed), (Some("invite"), Some("open"), true));
    assert_eq!(registration.source, Source::Environment);
    let level = one("USHER_LOG_LEVEL");
    assert!(level.given && !level.changed, "the default was given");
    for name in ["USHER_SECRET_KEY", "USHER_DATABASE_URL"] {
        assert!(one(name).secret && one(name).given && one(name).changed && one(name).value.is_none(), "{name}");
    }
    let told = serde_json::to_string(&all).unwrap();
    assert!(!told.contains(secret) && !told.contains("hunter-of-words"), "{told}");
}

#[tokio::test]
async fn the_api_lists_them_to_who_may_see_the_system() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let answer = admin.client.get("/v1/settings").await.expect(200);
    assert_eq!(answer.json["items"].as_array().unwrap().len(), config::settings().count());
    app.manager().await.client.get("/v1/settings").await.expect_problem(403, "forbidden");
    app.finish().await;
}
