//! Secrets: their files, the samples that are refused, and that nothing shows them.

use super::super::{Config, Hidden, Origin, SecretKey, Syntax, settings};
use super::{KEY, TemporaryFile, accepted, assert_contains, load, refused, source};

#[test]
fn secret_comes_from_its_file_without_the_line_end() {
    for end in ["", "\n", "\r\n"] {
        let file = TemporaryFile::new(format!("{KEY}{end}"));
        let (config, report) = load(&[("USHER_SECRET_KEY_FILE", file.path())]).unwrap();
        assert_eq!(config.secret_key.unwrap().to_base64().as_str(), KEY);
        let entry = report.entries.iter().find(|entry| entry.name == "USHER_SECRET_KEY").unwrap();
        assert_eq!(entry.origin, Origin::File(file.0.clone()));
        assert_eq!(entry.value.as_deref(), Some("********"));
    }
}

#[test]
fn secret_file_must_be_readable_and_hold_something() {
    let problem = refused(&[("USHER_SECRET_KEY_FILE", "/does/not/exist")]);
    assert_contains(&problem, &["USHER_SECRET_KEY_FILE: ", "/does/not/exist", "does not exist"]);
    let directory = std::env::temp_dir();
    let problem = refused(&[("USHER_SECRET_KEY_FILE", directory.to_str().unwrap())]);
    assert_contains(&problem, &["USHER_SECRET_KEY_FILE: ", "can't be read"]);
    assert_contains(&refused(&[("USHER_SECRET_KEY_FILE", "")]), &["USHER_SECRET_KEY_FILE: is empty"]);
    let large = vec![b'k'; 65 * 1024];
    let cases: [(&[u8], &str); 5] =
        [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8"), (&large, "larger than"), (b"changeme\n", "sample")];
    for (content, expected) in cases {
        let file = TemporaryFile::new(content);
        let problem = refused(&[("USHER_SECRET_KEY_FILE", file.path())]);
        assert_contains(&problem, &["USHER_SECRET_KEY_FILE: ", file.path(), expected]);
    }
}

#[test]
fn secret_in_place_of_its_file_is_not_shown() {
    for secret in [KEY.to_owned(), KEY.replace("3q2+", "/q2+"), "postgres://u:hush@h/u".to_owned()] {
        let problem = refused(&[("USHER_SECRET_KEY_FILE", &secret)]);
        assert_contains(&problem, &["USHER_SECRET_KEY_FILE: names a relative path"]);
        assert!(!problem.contains(&secret), "{problem}");
    }
}

#[test]
fn empty_and_sample_secrets_are_refused() {
    for setting in settings().filter(|setting| setting.secret) {
        let Syntax::Text(documented) = setting.syntax else { unreachable!("secrets are texts") };
        for sample in ["", "changeme", "Change-Me", "secret", "PASSWORD", "example", "xxxxxxxx", documented] {
            let errors = load(&[(setting.name, sample)]).unwrap_err().to_string();
            assert_contains(&errors, &[&format!("{}: ", setting.name), "give a secret of your own"]);
        }
    }
}

#[test]
fn sample_password_inside_a_url_is_refused() {
    let database = [("USHER_DATABASE_URL", "postgres://u:changeme@localhost/u"), ("USHER_SECRET_KEY", KEY)];
    assert_contains(&refused(&database), &["USHER_DATABASE_URL: ", "sample"]);
    let smtp = [("USHER_SMTP_URL", "smtp://u:p%61ssword@localhost"), ("USHER_MAIL_FROM", "a@b.org")];
    assert_contains(&refused(&smtp), &["USHER_SMTP_URL: ", "sample"]);
}

#[test]
fn secret_key_is_read_in_every_base64() {
    let bytes: Vec<u8> = (0..32).map(|number| 0xFF - number).collect();
    let standard = SecretKey::from_bytes(bytes.clone()).unwrap().to_base64().to_string();
    assert!(standard.contains('/') && standard.ends_with('='));
    let url_safe = standard.replace('+', "-").replace('/', "_");
    for text in [&standard, standard.trim_end_matches('='), &url_safe, url_safe.trim_end_matches('=')] {
        let key = accepted(&[("USHER_SECRET_KEY", text)]).secret_key.unwrap();
        assert_eq!(key.as_bytes(), bytes);
    }
}

#[test]
fn secret_key_must_be_long_and_varied() {
    let of = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let counted = |count: u8| (0..count).collect::<Vec<u8>>();
    accepted(&[("USHER_SECRET_KEY", &of(&counted(128)))]);
    let cases = [
        (of(&counted(31)), "holds 31 bytes"),
        (of(&counted(129)), "holds 129 bytes"),
        (of(&[7; 32]), "over and over"),
        ("not base64!".to_owned(), "is not base64"),
    ];
    for (key, expected) in cases {
        let problem = refused(&[("USHER_SECRET_KEY", &key)]);
        assert_contains(&problem, &["USHER_SECRET_KEY: ", expected, "openssl rand"]);
        assert!(!problem.contains(&key), "{problem}");
    }
}

#[test]
fn database_of_ones_own_needs_a_secret_key() {
    let url = ("USHER_DATABASE_URL", "postgres://usher@localhost/usher");
    let problem = refused(&[url]);
    assert_contains(&problem, &["USHER_SECRET_KEY: ", "USHER_DATABASE_URL"]);
    assert!(accepted(&[url, ("USHER_SECRET_KEY", KEY)]).secret_key.is_some());
}

#[test]
fn previous_secret_key_stands_beside_a_secret_key_only() {
    let other = KEY.replace("3q2+", "/q2+");
    let config = accepted(&[("USHER_SECRET_KEY", KEY), ("USHER_SECRET_KEY_PREVIOUS", &other)]);
    assert_eq!(config.secret_key_previous.unwrap().to_base64().as_str(), other);
    assert!(accepted(&[("USHER_SECRET_KEY", KEY)]).secret_key_previous.is_none());
    let problem = refused(&[("USHER_SECRET_KEY_PREVIOUS", &other)]);
    assert_contains(&problem, &["USHER_SECRET_KEY_PREVIOUS: ", "without USHER_SECRET_KEY", "usher keys new-secret-key"]);
    let short = refused(&[("USHER_SECRET_KEY", KEY), ("USHER_SECRET_KEY_PREVIOUS", "c2hvcnQ=")]);
    assert_contains(&short, &["USHER_SECRET_KEY_PREVIOUS: holds 5 bytes"]);
}

#[test]
fn nothing_shows_a_secret() {
    let database = "postgres://usher:hush-database@localhost/usher";
    let smtp = "smtps://ada%40example.org:hush-smtp@mail.example.org";
    let (config, report) = load(&[
        ("USHER_DATABASE_URL", database),
        ("USHER_SMTP_URL", smtp),
        ("USHER_SECRET_KEY", KEY),
        ("USHER_MAIL_FROM", "users@example.org"),
    ])
    .unwrap();
    let bytes = format!("{:?}", config.secret_key.as_ref().unwrap().as_bytes());
    let json = serde_json::to_string(&report).unwrap();
    let shown = format!("{config:?}\n{report}\n{report:?}\n{json}\n{:?}", source(&[("USHER_SMTP_URL", smtp)]));
    for secret in ["hush", KEY, bytes.trim_matches(['[', ']']), "ada"] {
        let shown = shown.replace("/home/ada", "");
        assert!(!shown.contains(secret), "{secret} is shown in: {shown}");
    }
    assert_contains(&shown, &["USHER_SECRET_KEY=********  # environment", r#""value":"********""#]);
    assert_eq!(format!("{:?}", Hidden::new("hush".to_owned())), "********");
}

#[test]
fn errors_do_not_show_a_secret() {
    let urls = ["postgres://u:hush@h/db?hush=1", "host=h password=hush sslmode=hush", "smtp://hush:hush", "hush"];
    for setting in settings().filter(|setting| setting.secret) {
        for url in urls {
            let errors = load(&[(setting.name, url)]).unwrap_err();
            assert!(!format!("{errors} {errors:?}").contains("hush"), "{errors}");
        }
    }
}

#[test]
fn broken_secret_is_reported_once() {
    let source = source(&[("USHER_DATABASE_URL", "changeme"), ("USHER_SECRET_KEY", "short")]);
    assert_eq!(Config::from_source(&source).unwrap_err().problems.len(), 2);
}
