//! Who is chosen on many pages, without a script.

use super::{leads_to, signed_in, with};
use crate::testing::TestApp;

#[tokio::test]
async fn a_choice_goes_from_page_to_page_and_to_another_search() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/users").await.expect(200);
    assert!(page.text.contains("name=\"carried\" value=\"\"") && page.text.contains("Add to the choice"), "{}", page.text);
    let (pick_ann, pick_ben) = (format!("user.{}", ann.id), format!("user.{}", ben.id));
    let shown = format!("{},{}", ann.id, ben.id);
    let form = [("carried", ""), ("shown", shown.as_str()), (pick_ann.as_str(), "on")];
    let page = browser.submit("/admin/users?sort=username", &form).await.expect(200);
    let carried = format!("name=\"carried\" value=\"{}\"", ann.id);
    assert!(page.text.matches(&carried).count() == 3 && page.text.contains("<strong>1</strong> chosen"), "{}", page.text);
    assert!(page.text.contains(&format!("value=\"{}\" checked", ann.id)), "{}", page.text);
    assert!(page.text.contains("value=\"username\" selected"), "the order is as it was: {}", page.text);

    // The form of the search, with columns by names of their own, and a row of the builder.
    let form = [("carried", ann.id.as_str()), ("q", "ben@example"), ("columns.id", "id"), ("columns.locale", "locale")];
    let page = browser.submit("/admin/users", &form).await.expect(200);
    assert!(page.text.contains(&pick_ben) && !page.text.contains(&pick_ann) && page.text.contains(&carried), "{}", page.text);
    assert!(page.text.contains("data-label=\"Language\"") && !page.text.contains("data-label=\"Status\""), "{}", page.text);
    assert!(page.text.contains("columns&#x3d;id") || page.text.contains("columns=id"), "buttons keep them: {}", page.text);
    let form = [("carried", ann.id.as_str()), ("attribute1", "userName"), ("operator1", "eq"), ("value1", "nobody")];
    let page = browser.submit("/admin/users", &form).await.expect(200);
    assert!(page.text.contains("Nobody fits.") && page.text.contains(&carried) && page.text.contains("Act on the chosen"));
    let page = browser.submit("/admin/users", &[("carried", &ann.id), ("filter", "shoe eq 1")]).await.expect(422);
    assert!(page.text.contains("id=\"filter-error\"") && page.text.contains(&carried), "{}", page.text);

    // A page that shows somebody says whether they are chosen still; others stay.
    let form = [("carried", ann.id.as_str()), ("shown", ben.id.as_str()), (pick_ben.as_str(), "on")];
    let page = browser.submit("/admin/bulk/new", &form).await.expect(200);
    assert!(page.text.contains("2 users are chosen") && page.text.contains(&shown), "{}", page.text);
    let both = [("carried", shown.as_str()), ("shown", ben.id.as_str())];
    let page = browser.submit("/admin/bulk/new", &both).await.expect(200);
    assert!(page.text.contains("1 user is chosen"), "{}", page.text);
    let page = browser.submit("/admin/users", &[("carried", &shown), ("drop", &ann.id)]).await.expect(200);
    assert!(page.text.contains(&format!("name=\"carried\" value=\"{}\"", ben.id)), "{}", page.text);
    leads_to(&browser.submit("/admin/bulk/new", &[("carried", &ann.id), ("shown", &ann.id)]).await, "/admin/users");
    app.finish().await;
}

#[tokio::test]
async fn a_choice_is_bounded_read_with_care_and_bound_to_the_session() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let reads = with(&app, &admin, "reads", &["users:read"]).await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open("/admin/users").await.expect(200);
    let many: Vec<String> = (0..1000).map(|at| format!("019ac000-0000-7000-8000-{at:012}")).collect();
    let (many, pick) = (many.join(","), format!("user.{}", ann.id));
    let page = browser.submit("/admin/users", &[("carried", &many), (&pick, "on")]).await.expect(200);
    assert!(page.text.contains("1 were left out") || page.text.contains("1 was left out"), "{}", page.text);
    assert!(page.text.contains("And 900 more.") && page.text.contains("A user who is not to be seen any more"));
    let page = browser.submit("/admin/bulk/new", &[("carried", &many), (&pick, "on")]).await.expect(200);
    assert!(page.text.contains("1,000 users are chosen") && page.text.contains("left out"), "{}", page.text);
    for (name, value) in [("carried", "nobody"), ("shown", "x,y"), ("drop", "<b>"), ("user.x", "on")] {
        browser.submit("/admin/users", &[(name, value)]).await.expect(400);
    }
    browser.submit_with("/admin/users", "another", &[("carried", &ann.id)]).await.expect(403);
    browser.submit_with("/admin/bulk/new", "another", &[("carried", &ann.id)]).await.expect(403);
    let mut browser = signed_in(&app, &reads).await;
    let page = browser.open("/admin/users").await.expect(200);
    assert!(!page.text.contains("name=\"carried\""), "nothing to do, nobody to choose: {}", page.text);
    app.finish().await;
}
