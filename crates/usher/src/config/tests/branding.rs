//! How the service is called and how it looks.

use super::{accepted, assert_contains, refused};

#[test]
fn a_name_and_colours_have_defaults_and_can_be_set() {
    let default = accepted(&[]).branding;
    assert_eq!((default.name.as_str(), default.color.to_string().as_str()), ("usher", "#0b5f66"));
    let set = [("USHER_BRAND_NAME", "Example ID"), ("USHER_BRAND_COLOR", "#8A1C5B"), ("USHER_BRAND_COLOR_DARK", "#f0a6cf")];
    let set = accepted(&set).branding;
    assert_eq!((set.name.as_str(), set.color.to_string().as_str()), ("Example ID", "#8a1c5b"));
    assert_eq!(set.color_dark.to_string(), "#f0a6cf");
}

#[test]
fn what_could_not_be_read_is_refused_with_its_contrast() {
    let low = refused(&[("USHER_BRAND_COLOR", "#8fbcbb")]);
    assert_contains(&low, &["USHER_BRAND_COLOR: reaches a contrast of 1.89:1 only", "needs 4.5:1", "give a darker one"]);
    let low = refused(&[("USHER_BRAND_COLOR_DARK", "#123456")]);
    assert_contains(&low, &["USHER_BRAND_COLOR_DARK: reaches a contrast of", "give a lighter one"]);
    assert_contains(&refused(&[("USHER_BRAND_COLOR", "teal")]), &["is \"teal\"", "write a colour such as #0b5f66"]);
    let long = "x".repeat(61);
    assert_contains(&refused(&[("USHER_BRAND_NAME", &long)]), &["USHER_BRAND_NAME: ", "at most 60 characters"]);
}
