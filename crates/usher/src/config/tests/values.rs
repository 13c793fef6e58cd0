//! The values of the other settings.

use super::super::{LogFormat, PublicUrl, Registration};
use super::{TemporaryFile, accepted, assert_contains, load, refused, warned};

#[test]
fn empty_and_padded_values_are_refused() {
    assert_contains(&refused(&[("USHER_LISTEN", "")]), &["USHER_LISTEN: is empty"]);
    assert_contains(&refused(&[("USHER_LOG_LEVEL", "info ")]), &["USHER_LOG_LEVEL: ", "white space"]);
}

#[test]
fn long_value_is_cut_and_kept_on_one_line() {
    let problem = refused(&[("USHER_LISTEN", &format!("a\nb{}", "x".repeat(5000)))]);
    assert!(problem.len() < 250 && !problem.contains('\n'), "{problem}");
}

#[test]
fn listen_is_a_socket_address() {
    assert_eq!(accepted(&[("USHER_LISTEN", "[::1]:80")]).server.listen.port(), 80);
    for bad in ["localhost:8000", "8000", "127.0.0.1", "127.0.0.1:70000"] {
        assert_contains(&refused(&[("USHER_LISTEN", bad)]), &["USHER_LISTEN: ", bad, "127.0.0.1:8000"]);
    }
}

#[test]
fn metrics_have_an_address_of_their_own() {
    assert!(accepted(&[]).server.metrics_listen.is_none());
    let same = ("USHER_METRICS_LISTEN", "127.0.0.1:8000");
    assert_contains(&refused(&[same]), &["USHER_METRICS_LISTEN: ", "same as USHER_LISTEN"]);
    assert!(accepted(&[same, ("USHER_LISTEN", "127.0.0.1:0")]).server.metrics_listen.is_some());
}

#[test]
fn public_url_is_an_origin() {
    for (given, expected) in [
        ("https://Users.Example.org", "https://users.example.org"),
        ("https://users.example.org/", "https://users.example.org"),
        ("https://users.example.org:443", "https://users.example.org"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ] {
        let (config, report) = load(&[("USHER_PUBLIC_URL", given)]).unwrap();
        assert_eq!(config.server.public_url.as_str(), expected);
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    }
    for (bad, expected) in [
        ("users.example.org", "is not a URL"),
        ("ftp://users.example.org", "https:// or http://"),
        ("https://", "is not a URL"),
        ("https://ada:hush@users.example.org", "user name or password"),
        ("https://users.example.org/usher", "path"),
        ("https://users.example.org?a=1", "query"),
        ("https://users.example.org/#top", "fragment"),
    ] {
        let problem = refused(&[("USHER_PUBLIC_URL", bad)]);
        assert_contains(&problem, &["USHER_PUBLIC_URL: ", expected, "https://users.example.org"]);
        assert!(!problem.contains("hush"), "{problem}");
    }
}

#[test]
fn public_url_follows_listen_unless_that_is_every_network() {
    let url = |listen| accepted(&[("USHER_LISTEN", listen)]).server.public_url.to_string();
    assert_eq!(url("[::1]:9000"), "http://[::1]:9000");
    assert_eq!(url("0.0.0.0:9000"), "http://localhost:9000");
    assert_eq!(url("[::]:9000"), "http://localhost:9000");
    assert_eq!(warned(&[("USHER_LISTEN", "0.0.0.0:9000")]), ["USHER_PUBLIC_URL"]);
    assert_eq!(warned(&[("USHER_LISTEN", "10.0.0.7:9000")]), ["USHER_PUBLIC_URL"]);
    assert_eq!(warned(&[("USHER_PUBLIC_URL", "http://users.example.org")]), ["USHER_PUBLIC_URL"]);
}

#[test]
fn joined_path_stays_on_the_host() {
    let url = PublicUrl::parse("https://users.example.org").unwrap();
    assert_eq!(url.join("/verify?token=a").as_str(), "https://users.example.org/verify?token=a");
    for path in ["", "/", "//evil.org/x", "/\\evil.org", "@evil.org", "https://evil.org", "..//evil.org", "\t//evil.org"] {
        assert_eq!(url.join(path).host_str(), Some("users.example.org"), "{path}");
    }
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let list = ("USHER_TRUSTED_PROXIES", "10.1.2.3/8, 192.168.1.7,::1");
    let shown: Vec<String> = accepted(&[list]).server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.0/8", "192.168.1.7/32", "::1/128"]);
    for bad in ["proxy.example.org", "10.0.0.0/33", "10.0.0.1,", ","] {
        assert_contains(&refused(&[("USHER_TRUSTED_PROXIES", bad)]), &["USHER_TRUSTED_PROXIES: ", "10.0.0.0/8"]);
    }
    let many = vec!["::1"; 101].join(",");
    assert_contains(&refused(&[("USHER_TRUSTED_PROXIES", &many)]), &["at most 100"]);
    assert_eq!(warned(&[("USHER_TRUSTED_PROXIES", "0.0.0.0/0")]), ["USHER_TRUSTED_PROXIES"]);
}

#[test]
fn invitations_lead_to_safe_origins_only() {
    const NAME: &str = "USHER_INVITATION_FORWARD_TO";
    let server = accepted(&[(NAME, "https://app.example.org, http://localhost:3000")]).server;
    let shown: Vec<String> = server.invitation_forward_to.iter().map(ToString::to_string).collect();
    assert_eq!(
        (shown, server.invitations_per_day),
        (vec!["https://app.example.org".into(), "http://localhost:3000".into()], 200)
    );
    assert!(accepted(&[]).server.invitation_forward_to.is_empty());
    for bad in ["http://app.example.org", "https://app.example.org/start", "app.example.org", ",", "https://a@b.example", "*"] {
        assert_contains(&refused(&[(NAME, bad)]), &["USHER_INVITATION_FORWARD_TO: "]);
    }
    assert_contains(&refused(&[("USHER_INVITATIONS_PER_DAY", "0")]), &["from 1 to 100000"]);
}

#[test]
fn words_are_exact() {
    assert_eq!(accepted(&[("USHER_REGISTRATION", "invite")]).server.registration, Registration::Invite);
    assert_contains(&refused(&[("USHER_REGISTRATION", "Open")]), &["write open, invite or closed"]);
    assert_eq!(accepted(&[("USHER_LOG_FORMAT", "json")]).log.format, LogFormat::Json);
    assert!(!accepted(&[("USHER_RUN_WORKER", "false")]).run_worker);
    for bad in ["yes", "1", "TRUE"] {
        assert_contains(&refused(&[("USHER_RUN_WORKER", bad)]), &["USHER_RUN_WORKER: ", "write true or false"]);
    }
}

#[test]
fn r001_fewer_than_fifteen_characters_need_a_second_factor_of_everybody() {
    for (length, needs) in [("8", true), ("14", true), ("15", false), ("64", false)] {
        let password = accepted(&[("USHER_PASSWORD_MIN_LENGTH", length)]).password;
        assert_eq!((password.min_length.to_string().as_str(), password.needs_second_factor()), (length, needs));
    }
    assert!(!accepted(&[]).password.needs_second_factor());
}

#[test]
fn numbers_are_whole_and_within_their_limits() {
    assert_eq!(accepted(&[("USHER_PASSWORD_MIN_LENGTH", "64")]).password.min_length, 64);
    for bad in ["7", "65", "+15", "15.5", "fifteen", "-1", "99999999999"] {
        let problem = refused(&[("USHER_PASSWORD_MIN_LENGTH", bad)]);
        assert_contains(&problem, &["USHER_PASSWORD_MIN_LENGTH: ", "from 8 to 64"]);
    }
    let hashing = [("USHER_HASH_MEMORY_MIB", "256"), ("USHER_HASH_QUEUE", "9")];
    let password = accepted(&hashing).password;
    assert_eq!((password.hash_memory_mib, password.hash_queue), (256, 9));
    assert_contains(&refused(&[("USHER_HASH_MEMORY_MIB", "18")]), &["a whole number of MiB from 19"]);
}

#[test]
fn lifetimes_have_their_limits() {
    let problem = refused(&[("USHER_ACCESS_TOKEN_LIFETIME_SECONDS", "301")]);
    assert_contains(&problem, &["a whole number of seconds from 30 to 300"]);
    let (config, report) = load(&[("USHER_SESSION_LIFETIME_SECONDS", "86400")]).unwrap();
    assert_eq!(config.tokens.refresh_lifetime.as_secs(), 86400, "a refresh token ends with its session");
    assert_contains(&report.to_string(), &["USHER_REFRESH_TOKEN_LIFETIME_SECONDS=86400  # default"]);
    let server = accepted(&[("USHER_SHUTDOWN_GRACE_SECONDS", "0"), ("USHER_REQUEST_TIMEOUT_SECONDS", "7")]).server;
    assert_eq!((server.shutdown_grace.as_secs(), server.request_timeout.as_secs()), (0, 7));
}

#[test]
fn log_level_is_a_filter() {
    for good in ["off", "WARN", "info,usher::db=debug", "usher=trace, info"] {
        assert_eq!(accepted(&[("USHER_LOG_LEVEL", good)]).log.level, good);
    }
    for bad in ["debgu", "usher", "usher=loud", "info,,debug"] {
        assert_contains(&refused(&[("USHER_LOG_LEVEL", bad)]), &["USHER_LOG_LEVEL: ", bad, "trace"]);
    }
}

#[test]
fn signing_has_three_algorithms_and_a_lifetime_in_days() {
    let tokens = accepted(&[]).tokens;
    assert_eq!(tokens.signing_algorithm.as_str(), "EdDSA");
    assert_eq!(tokens.signing_key_lifetime.unwrap().as_secs(), 90 * 86400);
    let tokens = accepted(&[("USHER_SIGNING_ALGORITHM", "RS256"), ("USHER_SIGNING_KEY_LIFETIME_DAYS", "0")]).tokens;
    assert_eq!((tokens.signing_algorithm.as_str(), tokens.signing_key_lifetime), ("RS256", None));
    for bad in ["none", "HS256", "eddsa", "PS256"] {
        let problem = refused(&[("USHER_SIGNING_ALGORITHM", bad)]);
        assert_contains(&problem, &["USHER_SIGNING_ALGORITHM: ", bad, "EdDSA, ES256 or RS256"]);
    }
    assert_contains(&refused(&[("USHER_SIGNING_KEY_LIFETIME_DAYS", "3651")]), &["a whole number of days from 0 to 3650"]);
}

#[test]
fn r005_blocked_words_are_a_list() {
    assert_eq!(accepted(&[("USHER_PASSWORD_BLOCKED_WORDS", "Acme, Blue Pumps")]).password.blocked_words, ["Acme", "Blue Pumps"]);
    assert!(accepted(&[]).password.blocked_words.is_empty());
    for bad in ["ab", "Acme,", ",", &"x".repeat(101)] {
        let problem = refused(&[("USHER_PASSWORD_BLOCKED_WORDS", bad)]);
        assert_contains(&problem, &["USHER_PASSWORD_BLOCKED_WORDS: ", "3 to 100 characters"]);
    }
    let many = vec!["word"; 101].join(",");
    assert_contains(&refused(&[("USHER_PASSWORD_BLOCKED_WORDS", &many)]), &["101 words", "at most 100"]);
}

#[test]
fn r005_the_password_filter_is_a_file() {
    let file = TemporaryFile::new("");
    assert_eq!(accepted(&[("USHER_PASSWORD_FILTER", file.path())]).password.filter.unwrap().to_str(), Some(file.path()));
    for bad in ["/nonexistent/filter", "/"] {
        assert_contains(&refused(&[("USHER_PASSWORD_FILTER", bad)]), &["USHER_PASSWORD_FILTER: ", "is no file"]);
    }
}
