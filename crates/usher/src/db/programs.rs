//! PostgreSQL's own client programs, on the database that usher uses. They get what they need in their environment: a password on a
//! command line could be read by everybody on the machine.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};

pub use super::private::client_program as find;

/// Where systems keep the certificates that they trust, for the releases of libpq that can't find them by themselves.
const CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// What a program has complained of, at most, in bytes.
const COMPLAINT_MAX: u64 = 64 * 1024;

/// The command with its way to the database `config`, and nothing else of usher's environment.
pub fn command(program: &Path, config: &Config) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").envs(environment(config));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The major version of the server, which decides which programs fit.
pub async fn server_major(client: &Client) -> anyhow::Result<u32> {
    let version: i32 = client.query_one("select current_setting('server_version_num')::int4", &[]).await?.get(0);
    Ok(u32::try_from(version / 10_000)?)
}

fn environment(config: &Config) -> Vec<(&'static str, OsString)> {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.into(),
        Host::Unix(path) => path.as_os_str().to_owned(),
    });
    let text = |value: Option<&str>| value.map(OsString::from);
    let password = config.get_password().map(|password| OsString::from(String::from_utf8_lossy(password).into_owned()));
    let mut variables = vec![("PGHOST", Some(list(hosts)))];
    variables.push(("PGHOSTADDR", Some(list(config.get_hostaddrs().iter().map(|address| address.to_string().into())))));
    variables.push(("PGPORT", Some(list(config.get_ports().iter().map(|port| port.to_string().into())))));
    variables.push(("PGUSER", text(config.get_user())));
    variables.push(("PGDATABASE", text(config.get_dbname().or(config.get_user()))));
    variables.push(("PGPASSWORD", password));
    variables.push(("PGOPTIONS", text(config.get_options())));
    variables.push(("PGAPPNAME", text(Some("usher"))));
    if config.get_ssl_mode() == SslMode::Require {
        // As usher itself does: verified against what the system trusts, or not encrypted at all.
        let roots = CERTIFICATES.iter().find(|path| Path::new(path).exists()).unwrap_or(&"system");
        variables.push(("PGSSLMODE", text(Some("verify-full"))));
        variables.push(("PGSSLROOTCERT", text(Some(roots))));
    } else {
        variables.push(("PGSSLMODE", text(Some("disable"))));
    }
    variables.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?))).collect()
}

fn list(values: impl Iterator<Item = OsString>) -> OsString {
    values.collect::<Vec<_>>().join(",".as_ref())
}

/// A program that runs, and what it complains of meanwhile.
pub struct Running {
    name: String,
    pub child: Child,
    complaints: tokio::task::JoinHandle<String>,
}

impl Running {
    pub fn start(mut command: Command) -> anyhow::Result<Self> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let stderr = child.stderr.take().context("a program's standard error is ours")?;
        let complaints = tokio::spawn(async move {
            let mut text = Vec::new();
            let mut stderr = stderr.take(COMPLAINT_MAX);
            // What can't be read is not told; the exit code is.
            stderr.read_to_end(&mut text).await.ok();
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        Ok(Self { name, child, complaints })
    }

    /// Waits for the end. Fails with what it has complained of, unless it went well.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("{} ended with {status}: {}", self.name, self.complaints.await.unwrap_or_default());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> Vec<String> {
        let config: Config = url.parse().unwrap();
        environment(&config).into_iter().map(|(name, value)| format!("{name}={}", value.to_string_lossy())).collect()
    }

    #[test]
    fn the_way_to_the_database_is_told_in_the_environment() {
        let told = told("postgres://ann:s%40cret@db.example.org:6432/users?options=-c%20search_path%3Dx&sslmode=disable");
        let wanted = [
            "PGHOST=db.example.org",
            "PGPORT=6432",
            "PGUSER=ann",
            "PGDATABASE=users",
            "PGPASSWORD=s@cret",
            "PGOPTIONS=-c search_path=x",
            "PGAPPNAME=usher",
            "PGSSLMODE=disable",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn encryption_is_verified_or_not_used() {
        assert!(told("postgres://ann@a,b/users?sslmode=require").contains(&"PGSSLMODE=verify-full".to_owned()));
        let several = told("postgres://ann@a:1,b:2/users");
        for wanted in ["PGHOST=a,b", "PGPORT=1,2", "PGSSLMODE=disable"] {
            assert!(several.contains(&wanted.to_owned()), "{several:?}");
        }
        assert!(told("host=/run/postgresql user=ann").contains(&"PGHOST=/run/postgresql".to_owned()));
    }

    #[test]
    fn no_password_is_an_argument() {
        let config: Config = "postgres://ann:secret@localhost/users".parse().unwrap();
        let command = command(Path::new("/bin/true"), &config);
        assert_eq!(command.as_std().get_args().count(), 0);
        assert!(!format!("{:?}", command.as_std().get_program()).contains("secret"));
    }

    #[tokio::test]
    async fn a_program_that_fails_is_heard() {
        let config: Config = "host=/nowhere user=ann".parse().unwrap();
        let mut command = command(Path::new("/bin/sh"), &config);
        command.args(["-c", "echo no such luck >&2; exit 3"]);
        let error = Running::start(command).unwrap().finish().await.unwrap_err().to_string();
        assert!(error.contains("no such luck") && error.contains('3'), "{error}");
    }

    #[tokio::test]
    async fn too_old_a_program_is_told_with_what_to_install() {
        let error = find(None, "pg_dump", 99).await.unwrap_err();
        assert!(error.contains("postgresql-client-99") && error.contains("USHER_PG_BIN"), "{error}");
        let error = find(Some(Path::new("/nowhere")), "pg_dump", 15).await.unwrap_err();
        assert!(error.contains("was not found"), "{error}");
    }
}
