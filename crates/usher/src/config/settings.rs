//! The one table of settings. Parsing, `usher config print` and `docs/configuration.md` all come from it.

use super::setting::{Fallback, Section, Setting, Syntax};

/// Every setting, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "USHER_LISTEN",
        section: Section::Server,
        syntax: Syntax::Text("an IP address and a port"),
        default: Fallback::Value("127.0.0.1:8000"),
        secret: false,
        description: "Where the API and the pages are served, in plain HTTP. `0.0.0.0:8000` or `[::]:8000` listens on every network; \
            put a proxy that speaks TLS before it then.",
    },
    Setting {
        name: "USHER_PUBLIC_URL",
        section: Section::Server,
        syntax: Syntax::Text("an `https` or `http` origin"),
        default: Fallback::Told(
            "`http://` and the value of `USHER_LISTEN` (`localhost` if that listens on every \
             network)",
        ),
        secret: false,
        description: "The origin under which people reach usher, such as `https://users.example.org`: no path, query or user name. \
            Links in mails and the issuer of tokens come from it, never from a request's headers. `http` is meant for this \
            machine only and warned about otherwise.",
    },
    Setting {
        name: "USHER_TRUSTED_PROXIES",
        section: Section::Server,
        syntax: Syntax::Text("addresses or networks in CIDR notation, separated by commas"),
        default: Fallback::Told("nobody is trusted"),
        secret: false,
        description: "The proxies whose `X-Forwarded-For` is believed, such as `10.0.0.0/8, 192.168.1.7`. The client is the right-most \
            address in that header that is not one of these. At most 100.",
    },
    Setting {
        name: "USHER_METRICS_LISTEN",
        section: Section::Server,
        syntax: Syntax::Text("an IP address and a port"),
        default: Fallback::Told("`/metrics` is served beside the API"),
        secret: false,
        description: "Serves `/metrics` here instead of beside the API, to keep it from the public.",
    },
    Setting {
        name: "USHER_RATE_LIMIT_EXEMPT",
        section: Section::Server,
        syntax: Syntax::Text("addresses or networks in CIDR notation, separated by commas"),
        default: Fallback::Told("nobody is exempt"),
        secret: false,
        description: "The networks whose requests are not limited in number, such as those of your own services and monitoring: \
            `10.0.0.0/8, ::1`. Wrong passwords are counted per account in any case. At most 100.",
    },
    Setting {
        name: "USHER_REQUEST_TIMEOUT_SECONDS",
        section: Section::Server,
        syntax: Syntax::Seconds(1..=600),
        default: Fallback::Value("30"),
        secret: false,
        description: "How long a request may take before it is given up.",
    },
    Setting {
        name: "USHER_SHUTDOWN_DELAY_SECONDS",
        section: Section::Server,
        syntax: Syntax::Seconds(0..=600),
        default: Fallback::Value("0"),
        secret: false,
        description: "How long usher goes on serving after SIGTERM, while `/readyz` answers 503 and answers close their connections, \
            so that proxies send nothing more. 6 is right behind the Nginx of `deploy/nginx`; a second signal ends the wait.",
    },
    Setting {
        name: "USHER_SHUTDOWN_GRACE_SECONDS",
        section: Section::Server,
        syntax: Syntax::Seconds(0..=600),
        default: Fallback::Value("20"),
        secret: false,
        description: "How long running requests may take to end after SIGTERM. Keep it under the patience of whatever stops usher.",
    },
    Setting {
        name: "USHER_REGISTRATION",
        section: Section::Server,
        syntax: Syntax::Words(&["open", "invite", "closed"]),
        default: Fallback::Value("open"),
        secret: false,
        description: "Who may register: anybody, those who were invited, or nobody. Administrators can create users in any case.",
    },
    Setting {
        name: "USHER_RUN_WORKER",
        section: Section::Server,
        syntax: Syntax::Boolean,
        default: Fallback::Value("true"),
        secret: false,
        description: "Whether `usher serve` also does the work that follows requests, such as sending mail. With `false`, run `usher \
            worker` beside it.",
    },
    Setting {
        name: "USHER_DATABASE_URL",
        section: Section::Database,
        syntax: Syntax::Text("postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require"),
        default: Fallback::Told("usher runs a private PostgreSQL in the data directory"),
        secret: true,
        description: "The PostgreSQL (15 or newer) to use. Special characters in the password are percent-encoded. `sslmode` is \
            `require` (encrypts and verifies the certificate) or `disable`; `prefer`, the default, does not encrypt either. \
            `USHER_SECRET_KEY` must be set too.",
    },
    Setting {
        name: "USHER_DATABASE_POOL_SIZE",
        section: Section::Database,
        syntax: Syntax::Count(1..=500),
        default: Fallback::Told("twice the number of processor cores, at least 4"),
        secret: false,
        description: "How many connections a process keeps for transactions. More than the database has cores seldom helps. A few more \
            connections are used for reading and for notifications.",
    },
    Setting {
        name: "USHER_DATABASE_CONNECT_TIMEOUT_SECONDS",
        section: Section::Database,
        syntax: Syntax::Seconds(1..=300),
        default: Fallback::Value("1"),
        secret: false,
        description: "How long connecting to the database, or waiting for a free connection, may take before the answer is 503.",
    },
    Setting {
        name: "USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS",
        section: Section::Database,
        syntax: Syntax::Seconds(1..=3600),
        default: Fallback::Value("15"),
        secret: false,
        description: "How long one SQL statement may take. Migrations are not bound by it.",
    },
    Setting {
        name: "USHER_DATABASE_LOCK_TIMEOUT_SECONDS",
        section: Section::Database,
        syntax: Syntax::Seconds(1..=3600),
        default: Fallback::Value("5"),
        secret: false,
        description: "How long a statement may wait for a lock that another transaction holds.",
    },
    Setting {
        name: "USHER_DATABASE_IDLE_TRANSACTION_TIMEOUT_SECONDS",
        section: Section::Database,
        syntax: Syntax::Seconds(1..=3600),
        default: Fallback::Value("30"),
        secret: false,
        description: "How long a transaction may do nothing before the database ends it.",
    },
    Setting {
        name: "USHER_MIGRATE",
        section: Section::Database,
        syntax: Syntax::Boolean,
        default: Fallback::Told("`true` with the private PostgreSQL, `false` with `USHER_DATABASE_URL`"),
        secret: false,
        description: "Whether `usher serve` applies pending migrations at its start. With `false` it refuses to start until `usher \
            migrate` has run.",
    },
    Setting {
        name: "USHER_PG_BIN",
        section: Section::Database,
        syntax: Syntax::Text("the path of a directory"),
        default: Fallback::Told("usher searches the usual places and `PATH`"),
        secret: false,
        description: "Where the `initdb` and `postgres` of the private PostgreSQL are, such as `/usr/lib/postgresql/17/bin`.",
    },
    Setting {
        name: "USHER_DATA_DIR",
        section: Section::Data,
        syntax: Syntax::Text("the path of a directory"),
        default: Fallback::Told("`/var/lib/usher` for root, else `$XDG_DATA_HOME/usher` or `~/.local/share/usher`"),
        secret: false,
        description: "Where usher keeps its files: the private PostgreSQL, the generated secret key, the setup token. It is made when \
            it is missing.",
    },
    Setting {
        name: "USHER_SECRET_KEY",
        section: Section::Data,
        syntax: Syntax::Text("base64 of 32 to 128 random bytes"),
        default: Fallback::Told(
            "generated and kept in `secret-key` in the data directory; required with \
             `USHER_DATABASE_URL`",
        ),
        secret: true,
        description: "Seals what the database keeps secret, such as signing keys. `openssl rand -base64 32` makes one. Every process \
            on the same database needs the same key; without it the sealed data is lost, so keep a copy apart from the \
            database's backup.",
    },
    Setting {
        name: "USHER_SECRET_KEY_PREVIOUS",
        section: Section::Data,
        syntax: Syntax::Text("base64 of 32 to 128 random bytes"),
        default: Fallback::Told("only `USHER_SECRET_KEY` opens what is sealed"),
        secret: true,
        description: "A second key that opens what was sealed under it and seals nothing: the one before, while the secret key is \
            being changed. `usher keys reseal` seals everything under `USHER_SECRET_KEY`; then remove this.",
    },
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
        name: "USHER_LOG_FORMAT",
        section: Section::Log,
        syntax: Syntax::Words(&["human", "json"]),
        default: Fallback::Value("human"),
        secret: false,
        description: "Log lines for people, or one JSON object per line for programs. Both go to the standard output.",
    },
    Setting {
        name: "USHER_LOG_LEVEL",
        section: Section::Log,
        syntax: Syntax::Text(
            "`off`, `error`, `warn`, `info`, `debug`, `trace`, or a list such as \
             `info,usher::db=debug`",
        ),
        default: Fallback::Value("info"),
        secret: false,
        description: "What is logged: a level, and levels of single modules as `target=level`, separated by commas (the filter syntax \
            of the tracing library).",
    },
    Setting {
        name: "USHER_PASSWORD_MIN_LENGTH",
        section: Section::Password,
        syntax: Syntax::Count(15..=64),
        default: Fallback::Value("15"),
        secret: false,
        description: "The fewest characters (Unicode code points) of a new password. Fewer than 15 would need a second factor of \
            everybody.",
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
];
