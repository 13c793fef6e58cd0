//! What the doctor says, and in which language.

use jiff::SignedDuration;

use super::{Verdict, database, examine, finding};
use crate::languages::{Language, speaking};
use crate::testing::TestApp;

#[tokio::test]
async fn a_transaction_that_stays_open_is_named_in_the_language_of_who_asks() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    tx.query("select 1", &[]).await.unwrap();
    let look = || database::examine_transactions(&app.app, SignedDuration::ZERO);
    let found = look().await.unwrap();
    assert_eq!(found.verdict, Verdict::Warning);
    assert!(found.detail.contains("is in a transaction since 2"), "{}", found.detail);
    assert!(found.advice.unwrap().contains("were forgotten"));
    let found = speaking(Language::of("de").unwrap(), look()).await.unwrap();
    assert!(found.detail.contains(") ist seit 2"), "{}", found.detail);
    assert!(found.advice.unwrap().contains("vergessen"));
    tx.commit().await.unwrap();
    assert_eq!(database::examine_transactions(&app.app, SignedDuration::from_mins(5)).await.unwrap().verdict, Verdict::Ok);
    app.finish().await;
}

#[tokio::test]
async fn every_check_has_advice_in_every_language() {
    let app = TestApp::new().await;
    let found = examine(&app.app).await;
    for language in Language::all() {
        // A size is nothing that is wrong.
        for check in found.iter().map(|found| found.check).filter(|check| *check != "sizes") {
            let advice = speaking(language, async { finding(check, Verdict::Warning, "").advice }).await.unwrap();
            assert!(!advice.starts_with("health-do-"), "{language:?}: {check}");
        }
    }
    app.finish().await;
}
