//! Mail, passwords, tokens and the audit log.

use super::super::setting::{Fallback, Section, Setting, Syntax};

pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "USHER_SMTP_URL",
        section: Section::Mail,
        syntax: Syntax::Text("smtp://USER:PASSWORD@HOST:PORT?tls=required"),
        default: Fallback::Told("mails are held; `usher mail list` shows them"),
        secret: true,
        description: "The mail server. `smtp://` (port 587) begins in the clear and turns to TLS: `tls=required` insists on it and is \
            the default, `tls=opportunistic` (the default for this machine) takes it if offered, and is refused with a \
            password for other machines, `tls=none` is for this machine only. `smtps://` (port 465) is TLS from the start. \
            Special characters in the name and password are percent-encoded. `USHER_MAIL_FROM` must be set too.",
    },
    Setting {
        name: "USHER_MAIL_FROM",
        section: Section::Mail,
        syntax: Syntax::Text("an address, or a name with an address in angle brackets"),
        default: Fallback::Value("usher <usher@localhost>"),
        secret: false,
        description: "The sender of every mail, such as `Example Users <users@example.org>`. Required with `USHER_SMTP_URL`.",
    },
    Setting {
        name: "USHER_PASSWORD_MIN_LENGTH",
        section: Section::Password,
        syntax: Syntax::Count(8..=64),
        default: Fallback::Value("15"),
        secret: false,
        description: "The fewest characters (Unicode code points) of a new password. Fewer than 15 are too few for a password \
            alone: then everybody must have a second factor, at once and whatever their roles ask for.",
    },
    Setting {
        name: "USHER_PASSWORD_BLOCKED_WORDS",
        section: Section::Password,
        syntax: Syntax::Text("words, separated by commas"),
        default: Fallback::Told("none"),
        secret: false,
        description: "Words that everybody here would try first, such as the names of your organisation and its products. A password \
            that is made of one of them, with digits and signs around it, is refused. At most 100, of 3 to 100 characters.",
    },
    Setting {
        name: "USHER_PASSWORD_FILTER",
        section: Section::Password,
        syntax: Syntax::Text("the path of a file"),
        default: Fallback::Told("only the list within usher"),
        secret: false,
        description: "A list of breached passwords that `usher password-filter build` has made; new passwords must not be in it. It is \
            read at every look-up: do not change it in place. A new file counts after a restart.",
    },
    Setting {
        name: "USHER_HASH_MEMORY_MIB",
        section: Section::Password,
        syntax: Syntax::Mebibytes(19..=65536),
        default: Fallback::Value("128"),
        secret: false,
        description: "The memory of all threads that hash passwords. One takes 19 MiB, and there are at most as many threads as \
            processor cores. What verifying a hash of another program takes beyond that is lent from the same memory; one \
            that needs more than all of it can't be verified.",
    },
    Setting {
        name: "USHER_HASH_QUEUE",
        section: Section::Password,
        syntax: Syntax::Count(1..=10000),
        default: Fallback::Value("256"),
        secret: false,
        description: "How many passwords may wait for a hashing thread. Further requests are answered with 503 and `Retry-After`. A \
            network (/24 of IPv4, /64 of IPv6) may hold no more places than are free, so one alone gets half of them.",
    },
    Setting {
        name: "USHER_PASSWORD_PEPPER",
        section: Section::Password,
        syntax: Syntax::Text("base64 of 32 to 128 random bytes"),
        default: Fallback::Told("passwords are hashed without a pepper"),
        secret: true,
        description: "A key that passwords are mixed with before they are hashed, so that a copy of the database alone gives nothing \
            to guess against. `openssl rand -base64 32` makes one. Every process on the same database needs the same one. \
            Without it nobody whose password was hashed with it can sign in, so keep a copy apart from the database's \
            backup. Hashes made without it, or with the previous one, are made anew at the next sign-in.",
    },
    Setting {
        name: "USHER_PASSWORD_PEPPER_PREVIOUS",
        section: Section::Password,
        syntax: Syntax::Text("base64 of 32 to 128 random bytes"),
        default: Fallback::Told("there was none"),
        secret: true,
        description: "The pepper before the present one, or before there was none any more: passwords hashed with it are still \
            verified. Keep it until no stored hash names it.",
    },
    Setting {
        name: "USHER_ACCESS_TOKEN_LIFETIME_SECONDS",
        section: Section::Tokens,
        syntax: Syntax::Seconds(30..=300),
        default: Fallback::Value("300"),
        secret: false,
        description: "How long an access token is good for.",
    },
    Setting {
        name: "USHER_REFRESH_TOKEN_LIFETIME_SECONDS",
        section: Section::Tokens,
        syntax: Syntax::Seconds(300..=2_592_000),
        default: Fallback::Value("2592000"),
        secret: false,
        description: "How long a refresh token is good for from its issue; a session that is not refreshed for so long ends. The \
            default is 30 days. It is never longer than the session.",
    },
    Setting {
        name: "USHER_REFRESH_TOKEN_GRACE_SECONDS",
        section: Section::Tokens,
        syntax: Syntax::Seconds(0..=60),
        default: Fallback::Value("0"),
        secret: false,
        description: "How long after its use a refresh token may come back from the same program on the same network, whose answer was \
            lost, and get the same successor again. 0 is the safest: every second use then ends the session.",
    },
    Setting {
        name: "USHER_API_KEY_LIFETIME_MAX_DAYS",
        section: Section::Tokens,
        syntax: Syntax::Days(1..=3650),
        default: Fallback::Value("365"),
        secret: false,
        description: "How long an API key may be good at most. Who says nothing gets 90 days, or this if it is less.",
    },
    Setting {
        name: "USHER_SESSION_LIFETIME_SECONDS",
        section: Section::Tokens,
        syntax: Syntax::Seconds(300..=2_592_000),
        default: Fallback::Value("2592000"),
        secret: false,
        description: "How long a session lasts from the sign-in, however often it is refreshed. The default, 30 days, is the most that \
            NIST SP 800-63B has for a password alone.",
    },
    Setting {
        name: "USHER_TOTP_DRIFT_STEPS",
        section: Section::Tokens,
        syntax: Syntax::Count(0..=2),
        default: Fallback::Value("1"),
        secret: false,
        description: "By how many steps of 30 seconds the clock of an authenticator app may differ. With `1` a code is good for up to a \
            minute and a half; OWASP ASVS 6.5.5, taken by its letter, asks for `0`. No code is good twice.",
    },
    Setting {
        name: "USHER_TRUSTED_DEVICE_DAYS",
        section: Section::Tokens,
        syntax: Syntax::Days(0..=30),
        default: Fallback::Value("30"),
        secret: false,
        description: "For how long a device is spared the second factor on which somebody has asked for that. A lower number counts at \
            once, for devices that are trusted already too. `0`: the second factor is asked for at every sign-in.",
    },
    Setting {
        name: "USHER_SIGNING_ALGORITHM",
        section: Section::Tokens,
        syntax: Syntax::Words(&["EdDSA", "ES256", "RS256"]),
        default: Fallback::Value("EdDSA"),
        secret: false,
        description: "What access tokens are signed with: Ed25519, ECDSA on P-256, or RSA with 3072 bits. After a change a key of the \
            new kind is published, and signs five minutes later; what the old one signed stays good. Every process on the \
            same database needs the same value.",
    },
    Setting {
        name: "USHER_SIGNING_KEY_LIFETIME_DAYS",
        section: Section::Tokens,
        syntax: Syntax::Days(0..=3650),
        default: Fallback::Value("90"),
        secret: false,
        description: "How long a key signs before usher replaces it by a new one. With `0` keys are only replaced by `usher keys \
            rotate`.",
    },
    Setting {
        name: "USHER_AUDIT_KEY",
        section: Section::Audit,
        syntax: Syntax::Text("an Ed25519 private key: PKCS#8 in PEM, or base64 of it or of a seed of 32 bytes"),
        default: Fallback::Told("made by usher and kept sealed in the database"),
        secret: true,
        description: "Signs the checkpoints of the audit log. `openssl genpkey -algorithm ed25519` makes one. Only processes that do \
            the after-work need it; kept from the database, it keeps whoever owns the database from writing the log anew.",
    },
    Setting {
        name: "USHER_AUDIT_CHECKPOINTS",
        section: Section::Audit,
        syntax: Syntax::Text("the path of a file"),
        default: Fallback::Told("checkpoints are in the database only"),
        secret: false,
        description: "Every new checkpoint of the audit log is appended to this file. Kept where whoever owns the database can't \
            write, it shows when the log was cut off: `usher audit verify --checkpoint FILE`.",
    },
    Setting {
        name: "USHER_ACTIVITY_RETENTION_DAYS",
        section: Section::Audit,
        syntax: Syntax::Days(62..=3650),
        default: Fallback::Value("800"),
        secret: false,
        description: "How long it is known on which days who was active, for `GET /v1/analytics`; whole months go when their last day is \
            older. The default allows for year on year. The last day of each user is kept as long as the user.",
    },
    Setting {
        name: "USHER_AUDIT_RETENTION_DAYS",
        section: Section::Audit,
        syntax: Syntax::Days(0..=36_500),
        default: Fallback::Value("0"),
        secret: false,
        description: "Months of the audit trail whose youngest event is older than this are dropped, once they are sealed. With `0` it \
            is kept for ever. `usher migrate` must run with it, too: it lets the server drop what is as old.",
    },
];
