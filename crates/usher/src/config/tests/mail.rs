//! The mail server's URL and the sender.

use super::super::{SmtpTls, SmtpUrl};
use super::{accepted, assert_contains, refused, warned};

const FROM: (&str, &str) = ("USHER_MAIL_FROM", "Example Users <users@example.org>");

fn smtp(url: &str) -> SmtpUrl {
    accepted(&[("USHER_SMTP_URL", url), FROM]).mail.smtp.unwrap()
}

#[test]
fn url_tells_host_port_and_encryption() {
    let cases = [
        ("smtp://mail.example.org", "mail.example.org", 587, SmtpTls::Required),
        ("smtp://mail.example.org:25?tls=required", "mail.example.org", 25, SmtpTls::Required),
        ("smtps://mail.example.org/", "mail.example.org", 465, SmtpTls::Implicit),
        ("smtp://mail.example.org?tls=opportunistic", "mail.example.org", 587, SmtpTls::Opportunistic),
        ("smtp://localhost:1025", "localhost", 1025, SmtpTls::Opportunistic),
        ("smtp://127.0.0.1:1025?tls=none", "127.0.0.1", 1025, SmtpTls::None),
        ("smtp://[::1]:1025?tls=none", "::1", 1025, SmtpTls::None),
        ("SMTP://localhost?tls=required", "localhost", 587, SmtpTls::Required),
    ];
    for (url, host, port, tls) in cases {
        let smtp = smtp(url);
        assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), (host, port, tls), "{url}");
        assert!(smtp.credentials.is_none());
    }
}

#[test]
fn credentials_are_percent_decoded() {
    let credentials = smtp("smtps://ada%40example.org:a+b%2Fc%25%C3%A9@mail.example.org").credentials.unwrap();
    assert_eq!(credentials.username.expose(), "ada@example.org");
    assert_eq!(credentials.password.expose(), "a+b/c%é");
}

#[test]
fn bad_url_is_refused() {
    let cases = [
        ("http://mail.example.org", "smtp:// or smtps://"),
        ("mail.example.org", "is not a URL"),
        ("smtp:mail.example.org", "names no mail server"),
        ("smtp://", "names no mail server"),
        ("smtp://mail example.org", "is not a URL"),
        ("smtp://mail.example.org:0", "port 0"),
        ("smtp://mail.example.org/inbox", "path"),
        ("smtp://mail.example.org#tls", "fragment"),
        ("smtp://mail.example.org?starttls=yes", "only carry `tls`"),
        ("smtp://mail.example.org?tls=required&tls=none", "only carry `tls`"),
        ("smtp://mail.example.org?tls=yes", "tls=required, tls=opportunistic or tls=none"),
        ("smtps://mail.example.org?tls=none", "remove `tls`"),
        ("smtp://ada@mail.example.org", "no password"),
        ("smtp://:p4ss@mail.example.org", "no user name"),
        ("smtp://ada:@mail.example.org", "no password"),
        ("smtp://ada:100%@mail.example.org", "%25"),
        ("smtp://ada:%+1@mail.example.org", "%25"),
        ("smtp://ada:%ff%fe@mail.example.org", "%25"),
    ];
    for (url, expected) in cases {
        assert_contains(&refused(&[("USHER_SMTP_URL", url), FROM]), &["USHER_SMTP_URL: ", expected]);
    }
}

#[test]
fn mail_does_not_cross_the_network_in_the_clear() {
    for host in ["mail.example.org", "10.0.0.7", "[2001:db8::1]", "localhost.example.org"] {
        let problem = refused(&[("USHER_SMTP_URL", &format!("smtp://{host}?tls=none")), FROM]);
        assert_contains(&problem, &["USHER_SMTP_URL: ", "unencrypted", "tls=required"]);
        let url = format!("smtp://ada:p4ss@{host}?tls=opportunistic");
        assert_contains(&refused(&[("USHER_SMTP_URL", &url), FROM]), &["password unencrypted"]);
        let url = format!("smtp://{host}?tls=opportunistic");
        assert_eq!(warned(&[("USHER_SMTP_URL", &url), FROM]), ["USHER_SMTP_URL"]);
    }
    smtp("smtp://ada:p4ss@localhost:1025?tls=none");
    assert!(warned(&[("USHER_SMTP_URL", "smtp://[::1]"), FROM]).is_empty());
}

#[test]
fn sender_is_a_mailbox_and_required_for_sending() {
    assert_eq!(accepted(&[]).mail.from.email.to_string(), "usher@localhost");
    let from = accepted(&[FROM]).mail.from;
    assert_eq!((from.name.as_deref(), from.email.as_ref()), (Some("Example Users"), "users@example.org"));
    for bad in ["nobody", "a@", "Ada <a@b.org", "a@b.org, c@d.org"] {
        assert_contains(&refused(&[("USHER_MAIL_FROM", bad)]), &["USHER_MAIL_FROM: ", "give an address"]);
    }
    assert_contains(&refused(&[("USHER_SMTP_URL", "smtp://localhost")]), &["USHER_MAIL_FROM: ", "USHER_SMTP_URL is"]);
}
