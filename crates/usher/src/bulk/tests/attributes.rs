//! What a preview says of attributes that are to be set.

use super::*;

#[tokio::test]
async fn a_preview_knows_who_has_the_attributes_already() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 60).await;
    let wanted =
        json!({ "action": "set_attributes", "attributes": { "team": "red", "gone": null }, "filter": "userName sw \"u00\"" });
    let shown = preview(&admin, wanted.clone()).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["unchanged"]), (&json!(60), &json!(0)));
    let some =
        preview(&admin, json!({ "action": "set_attributes", "attributes": { "team": "red" }, "filter": "userName sw \"u001\"" }));
    begin(&admin, &some.await).await;
    app.run_jobs().await;
    let shown = preview(&admin, wanted.clone()).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["unchanged"]), (&json!(50), &json!(10)));
    // Who has what is to be removed is changed.
    let mut inner = wanted;
    inner["attributes"] = json!({ "team": null });
    let shown = preview(&admin, inner.clone()).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["unchanged"]), (&json!(10), &json!(50)));
    let path = begin(&admin, &shown).await;
    app.run_jobs().await;
    let run = admin.get(&path).await.expect(200).json;
    assert_eq!((&run["counts"]["done"], &run["counts"]["unchanged"]), (&json!(10), &json!(50)));
    app.finish().await;
}

#[tokio::test]
async fn a_value_that_only_one_can_have_is_refused_to_the_others_in_the_preview() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 5).await;
    let schema = json!({ "type": "object", "properties": { "badge": { "type": "string", "maxLength": 9, "unique": true } } });
    admin.put("/v1/attribute-schema", schema).await.expect(202);
    app.run_jobs().await;
    let set =
        |badge: &str| json!({ "action": "set_attributes", "attributes": { "badge": badge }, "filter": "userName sw \"u0\"" });
    let shown = preview(&admin, set("A-1")).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["refused"]), (&json!(1), &json!(4)));
    assert_eq!(shown.json["refusals"][0]["code"], "attribute_taken");
    let path = begin(&admin, &shown).await;
    app.run_jobs().await;
    let run = admin.get(&path).await.expect(200).json;
    assert_eq!((&run["state"], &run["counts"]["done"], &run["counts"]["refused"]), (&json!("finished"), &json!(1), &json!(4)));
    // Whatever its case, it belongs to the first now, and is nothing new for them.
    let shown = preview(&admin, set("a-1")).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["refused"]), (&json!(1), &json!(4)));
    let shown = preview(&admin, set("A-1")).await;
    assert_eq!((&shown.json["counts"]["unchanged"], &shown.json["counts"]["refused"]), (&json!(1), &json!(4)));
    app.finish().await;
}
