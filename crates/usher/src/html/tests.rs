//! Pages render in every state and escape what is not theirs.

use super::*;

mod words;

const TIME: &str = "2026-01-02T03:04:05Z";
const STATES: [&str; 20] = [
    "confirm",
    "choose",
    "done",
    "failed",
    "taken",
    "full",
    "identifier",
    "password",
    "form",
    "sent",
    "closed",
    "over",
    "one",
    "many",
    "none",
    "code",
    "recovery",
    "added",
    "made",
    "passkey",
];

fn session(device: &str, current: bool) -> Value {
    context! {
        id => "x", device => device, current => current, address => (), created_at => "2026-01-02T03:04:05Z",
        last_seen_at => "2026-01-02T03:04:05Z",
    }
}

/// What the pages of an account show beside.
fn of_account(state: &str, text: &str) -> Value {
    let pair = (text.to_owned(), text.to_owned());
    let email =
        |primary: bool| context! { id => text, address => text, primary => primary, verified_at => primary.then_some(TIME) };
    let key = context! {
        id => text, name => text, prefix => text, permissions => vec![text.to_owned()], expires_at => TIME, last_used_at => TIME,
        last_used_address => text,
    };
    let inputs = ["text", "email", "url", "area", "number", "date", "time", "choice"].map(|shape| {
        context! {
            name => format!("attribute.{shape}"), label => text, hint => text, shape => shape, value => text, most => 40,
            choices => vec![pair.clone()], required => state == "one",
        }
    });
    let entry = |tone: &str| context! { at => TIME, what => text, tone => tone, by => text, device => text, network => text };
    let names = [
        "display_name",
        "given_name",
        "family_name",
        "bio",
        "locale",
        "time_zone",
        "website_url",
        "picture_url",
        "github_url",
        "linkedin_url",
    ];
    let asked = |state: &str| context! { id => text, state => state, message => text, created_at => TIME, decided_at => TIME, reason => text };
    let lists = context! {
        missing => vec![text.to_owned()],
        waiting => asked("waiting"),
        earlier => vec![asked("approved"), asked("declined"), asked("withdrawn")],
        keys => if state == "none" { Vec::new() } else { vec![key] },
        emails => vec![email(true), email(false)],
        entries => if state == "none" { Vec::new() } else { vec![entry("plain"), entry("refused"), entry("changed")] },
        permissions => vec![context! { name => text, about => text, chosen => true }],
        inputs => inputs.to_vec(),
        fields => Value::from_pairs(names.map(|name| (name, Value::from(text)))),
        facts => vec![pair.clone()],
        lifetimes => vec![pair.clone()],
        languages => vec![pair.clone()],
        zones => Value::from_pairs([(text, Value::from(vec![vec![text.to_owned(); 2]]))]),
        pending => context! { id => text, address => text, expires_at => TIME },
    };
    let more = context! {
        is_first => state == "none", zone => (state == "one").then_some("Europe/Vienna"), key => text, key_name => text, days => text,
        expires_at => TIME, since => TIME, offers_professional => state == "one", has_room => state != "full", most => 10, other_zone => text, version => 1, username => text, until => TIME,
    };
    context! { ..lists, ..more }
}

fn trusted(text: &str) -> Value {
    context! { id => text, device => text, address => (), trusted_at => TIME, expires_at => TIME }
}

fn values(state: &str, text: &str, faults: &Faults) -> Value {
    let (by_name, ordered) = faults.values();
    let user = context! {
        display_name => text, username => text, roles => vec![text.to_owned(), text.to_owned()], created_at => "2026-01-02T03:04:05Z",
        emails => vec![context! { address => text, primary => true, verified_at => () }], given_name => text, family_name => (),
        avatar_url => text, bio => text, locale => (), time_zone => text, website_url => text, picture_url => (), github_url => text, linkedin_url => (),
        professional_at => "2026-01-02T03:04:05Z",
    };
    let sessions = match state {
        "one" => vec![session(text, true)],
        "many" => vec![session(text, true), session(text, false)],
        _ => Vec::new(),
    };
    let factors = context! {
        totp_since => if state == "none" { Value::from(()) } else { Value::from("2026-01-02T03:04:05Z") },
        recovery_codes_left => match state { "one" => 1, "over" => 0, _ => 10 },
        passkeys => i32::from(state != "none"),
    };
    let passkey = context! { id => text, name => text, is_backed_up => state == "one", created_at => "2026-01-02T03:04:05Z", last_used_at => () };
    let more = context! {
        factors => factors, secret => text, side => 41, path => text, codes => vec![text.to_owned()], site => text, other_way => text,
        has_second_factor => state != "none", inviter => text, message => text, by_mail => state == "one", username => text,
        required => state == "one", trust_days => 30, trusts => state == "one",
        trusted => if state == "none" { Vec::new() } else { vec![trusted(text); 2] },
        duty => (state != "none").then(|| context! { due_at => TIME, is_overdue => state == "over" }),
        forward_to => text, passkeys => if state == "none" { Vec::new() } else { vec![passkey.clone()] }, passkey => passkey,
        has_passkeys => state != "none", has_app => state == "one", by_passkey => text, ceremony => text, options => text, name => text,
        person_avatar => text, has_avatar => state == "one", is_kept => state != "none",
    };
    let most = context! {
        state => state, token => text, min_length => 15, welcome => false, error => text, faults => by_name, fault_list => ordered,
        form_token => text, return_to => text, begin_again => text, identifier => text, may_register => true, email => text,
        display_name => text, why => text, person_name => text, here => "/account", opens_console => true, notice => "session_ended", user => user,
        password_changed_at => (), others => 3, more_others => false, sessions => sessions, older => text, has_others => true,
    };
    context! { ..most, ..more, ..of_account(state, text) }
}

#[test]
fn every_page_renders_in_every_state_and_escapes() {
    let bad = "\"><script type=\"module\"></script><b>&";
    let mut rendered = 0;
    // The console has many more values, and tests of its own.
    for page in Files::iter().filter(|path| !path.starts_with("html/") && !path.starts_with("console/")) {
        for state in STATES {
            for faults in [Faults::default(), Faults::at("password", bad)] {
                let html = render(&page, values(state, bad, &faults)).unwrap();
                assert_eq!(html.matches("<h1").count(), 1, "{page} {state}");
                assert!(!html.contains("<b>") && !html.contains("\"module\"></script><b"), "{page} {state}");
                let loaded = html.matches("<script").count();
                let ours = ["copy", "forms", "passkeys"]
                    .map(|name| html.matches(&format!("<script type=\"module\" src=\"/assets/{name}.")).count());
                let ours: usize = ours.iter().sum();
                assert!(loaded == ours && loaded <= 1, "{page} {state}: {loaded} scripts");
                rendered += 1;
            }
        }
    }
    assert!(rendered > 300, "{rendered} pages");
}

#[test]
fn only_a_page_with_a_script_may_load_one() {
    let policy =
        |html: &str| respond(StatusCode::OK, html.to_owned()).headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert_eq!(policy("<p>&lt;script type=\"module\"&gt;"), PAGE_POLICY);
    assert!(policy("<script type=\"module\" src=\"/assets/forms.js\">").contains("script-src 'self'; connect-src 'self'"));
}

#[test]
fn a_document_in_a_frame_has_its_own_styles_and_nothing_else() {
    let policy = |response: Response| response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = |html: &str| policy(respond(StatusCode::OK, html.to_owned()));
    assert!(page("<iframe sandbox src=\"/x\"></iframe>").contains("frame-src 'self'"));
    assert!(!page("&lt;iframe sandbox").contains("frame-src"));
    // SHA-256 of `p{}`.
    let framed = policy(framed("<style>p{}</style><p>".to_owned()).unwrap());
    assert!(
        framed.contains(
            "style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='; form-action 'none'; frame-ancestors 'self'"
        ),
        "{framed}"
    );
    assert!(policy(framed_text("x".to_owned()).unwrap()).contains("style-src 'none'"));
}

#[test]
fn a_failure_says_what_to_do_and_when() {
    let too_many = problem(&Rejection::too_many_requests(600), "Too Many Requests", "id").unwrap();
    assert_eq!(too_many.status(), StatusCode::TOO_MANY_REQUESTS);
    for (seconds, words) in [(1, "in a few seconds"), (61, "in a minute"), (600, "in 10 minutes"), (7200, "in 2 hours")] {
        assert_eq!(waiting(seconds), words);
    }
    assert!(problem(&Rejection::not_found(), "Not Found", "id").is_some());
}
