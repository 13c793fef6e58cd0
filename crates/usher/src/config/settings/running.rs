//! How the process is reached, stops and speaks.

use super::super::setting::{Fallback, Section, Setting, Syntax};

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
            Links in mails and the issuer of tokens come from it, never from a request's headers. Passkeys belong to its host name: on an address there are none. `http` is meant for this \
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
        description: "Serves `/metrics` here instead of beside the API, to keep it from the public, with `/livez` and `/readyz`. \
            `usher worker` serves them here, and nowhere without it.",
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
        name: "USHER_LANGUAGE",
        section: Section::Server,
        syntax: Syntax::Text("the tag of a language that usher speaks, such as `de`"),
        default: Fallback::Value("en"),
        secret: false,
        description: "The language of mails to whoever has named none in their profile, or one that usher does not speak.",
    },
    Setting {
        name: "USHER_PROFESSIONAL_REQUIRES",
        section: Section::Server,
        syntax: Syntax::Text("fields of the profile, separated by commas"),
        default: Fallback::Told("nobody can ask for it"),
        secret: false,
        description: "Who can ask for professional status: people whose profile has all of these fields, of `display_name`, `given_name`, \
            `family_name`, `bio`, `picture_url`, `website_url`, `github_url`, `linkedin_url`, `locale` and `time_zone`.",
    },
    Setting {
        name: "USHER_INVITATIONS_PER_DAY",
        section: Section::Server,
        syntax: Syntax::Count(1..=100_000),
        default: Fallback::Value("200"),
        secret: false,
        description: "How many invitations one person or service account may send in 24 hours, those that are sent again included. The \
            command line is not limited.",
    },
    Setting {
        name: "USHER_INVITATION_FORWARD_TO",
        section: Section::Server,
        syntax: Syntax::Text("`https` origins, separated by commas"),
        default: Fallback::Told("nowhere: `forward_to` is refused"),
        secret: false,
        description: "The sites that an invitation may lead on to when it has been accepted, such as `https://app.example.org`. `http` is \
            for this machine only. At most 100.",
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
        name: "USHER_TRACES_URL",
        section: Section::Log,
        syntax: Syntax::Text("the URL of a collector"),
        default: Fallback::Told("nothing is traced"),
        secret: false,
        description: "Where traces are sent by OTLP over HTTP (protobuf), such as `http://127.0.0.1:4318/v1/traces`. The trace of a \
            request goes on from the `traceparent` header (W3C Trace Context) that a trusted proxy has sent.",
    },
    Setting {
        name: "USHER_TRACES_SAMPLE_PERCENT",
        section: Section::Log,
        syntax: Syntax::Count(0..=100),
        default: Fallback::Value("100"),
        secret: false,
        description: "How many of the traces that begin here are recorded and sent. One that a trusted proxy has begun is recorded if the \
            proxy records it.",
    },
];
