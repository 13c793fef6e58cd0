//! The database and the files.

use super::super::setting::{Fallback, Section, Setting, Syntax};

pub const SETTINGS: &[Setting] = &[
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
        name: "USHER_DATABASE_READ_URL",
        section: Section::Database,
        syntax: Syntax::Text("postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require"),
        default: Fallback::Told("lists are read from `USHER_DATABASE_URL`"),
        secret: true,
        description: "A streaming replica of the database of `USHER_DATABASE_URL`, written like it. Lists and searches of users, service \
            accounts and audit events are read there, if it has all that was written before the request came; otherwise, and \
            while it is away, the database itself answers.",
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
        name: "USHER_AVATARS",
        section: Section::Data,
        syntax: Syntax::Text("file:///PATH or s3://BUCKET/PREFIX"),
        default: Fallback::Told(
            "the folder `avatars` in the data directory with the private PostgreSQL; with `USHER_DATABASE_URL` nobody can have a picture, \
             and generated patterns stand for everybody",
        ),
        secret: false,
        description: "Where the pictures of people are kept: a folder, which is made when it is missing, or a bucket of a service that \
            speaks the protocol of Amazon S3. Every process needs it, those that do the after-work too: with processes on more than \
            one machine it is a bucket, or a folder that all of them share.",
    },
    Setting {
        name: "USHER_AVATARS_S3_ENDPOINT",
        section: Section::Data,
        syntax: Syntax::Text("https://HOST:PORT"),
        default: Fallback::Told("Amazon's own for the region"),
        secret: false,
        description: "Where the service of the bucket answers. The bucket is named in the path of requests, not in their host.",
    },
    Setting {
        name: "USHER_AVATARS_S3_REGION",
        section: Section::Data,
        syntax: Syntax::Text("the name of a region"),
        default: Fallback::Value("us-east-1"),
        secret: false,
        description: "The region of the bucket. Services other than Amazon's mostly take any.",
    },
    Setting {
        name: "USHER_AVATARS_S3_KEY_ID",
        section: Section::Data,
        syntax: Syntax::Text("the id of an access key"),
        default: Fallback::Told("none; required with `s3://`"),
        secret: false,
        description: "The access key that may read, write and delete in the bucket below the prefix. Nothing is ever listed.",
    },
    Setting {
        name: "USHER_AVATARS_S3_SECRET",
        section: Section::Data,
        syntax: Syntax::Text("the secret of the access key"),
        default: Fallback::Told("none; required with `s3://`"),
        secret: true,
        description: "What the access key signs requests with.",
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
];
