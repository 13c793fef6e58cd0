//! The stack of `deploy/compose.yaml`, as an operator starts it, with what a test needs besides: no limits of requests for the one
//! network from which all of them come, and mail that arrives at the tests.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::docker::bases::Bases;
use crate::docker::engine::Engine;
use crate::workspace;

const PROJECT: &str = "usher-docker-test";
const PATIENCE: Duration = Duration::from_mins(3);
/// The services that stay.
const RUNNING: [&str; 5] = ["postgres", "usher-1", "usher-2", "worker", "nginx"];
/// The networks of the test: that of Nginx and usher, and that of the worker and the mail.
const FRONT: &str = "10.213.75";
const MAIL: &str = "10.213.76";
const SMTP_PORT: u16 = 2525;

pub struct Stack<'a> {
    engine: &'a Engine,
    environment: Vec<(&'static str, String)>,
    files: [PathBuf; 2],
    secrets: PathBuf,
    url: String,
}

impl<'a> Stack<'a> {
    /// Makes the secrets, and what compose.yaml leaves to its operator.
    pub fn new(engine: &'a Engine, bases: &Bases, image: &str, root: &Path, folder: &Path) -> Result<Self, String> {
        let secrets = folder.join("secrets");
        workspace::run(Command::new(root.join("deploy/init-secrets")).arg(&secrets))?;
        if workspace::output(Command::new(root.join("deploy/init-secrets")).arg(&secrets)).is_ok() {
            return Err("init-secrets overwrites".to_owned());
        }
        let write = |path: &Path, text: &str| fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()));
        // As an operator changes it.
        let smtp_url = secrets.join("smtp-url");
        write(&smtp_url, &format!("smtp://{MAIL}.1:{SMTP_PORT}?tls=opportunistic\n"))?;
        let exempt = folder.join("exempt-networks.conf");
        write(&exempt, &format!("{FRONT}.0/24 0;\n"))?;
        let extra = folder.join("compose.override.yaml");
        write(&extra, &settings_of_the_test(&exempt))?;
        let (http, https) = (free_port()?, free_port()?);
        let url = format!("https://localhost:{https}");
        let environment = vec![
            ("COMPOSE_PROJECT_NAME", PROJECT.to_owned()),
            ("USHER_IMAGE", image.to_owned()),
            ("POSTGRES_IMAGE", bases.postgres.clone()),
            ("NGINX_IMAGE", bases.nginx.clone()),
            ("SECRETS", secrets.display().to_string()),
            ("FRONT_PREFIX", FRONT.to_owned()),
            ("FRONT_HTTP_PORT", http.to_string()),
            ("FRONT_HTTPS_PORT", https.to_string()),
            ("USHER_PUBLIC_URL", url.clone()),
            ("USHER_MAIL_FROM", "Test <test@example.org>".to_owned()),
        ];
        Ok(Self { engine, environment, files: [root.join("deploy/compose.yaml"), extra], secrets, url })
    }

    fn compose(&self, words: &[&str]) -> Command {
        let mut command = self.engine.compose();
        for file in &self.files {
            command.arg("--file").arg(file);
        }
        command.args(words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn ask(&self, words: &[&str]) -> Result<String, String> {
        workspace::output(&mut self.compose(words)).map(|told| told.trim().to_owned())
    }

    fn inspect(&self, service: &str, format: &str) -> Result<String, String> {
        let container = self.ask(&["ps", "--quiet", service])?;
        self.engine.ask(&["inspect", "--format", format, &container])
    }

    /// Starts all, and waits until all are healthy. Returns what was measured.
    pub fn up(&self) -> Result<String, String> {
        self.down_with_volumes()?;
        let seconds = self.start()?;
        Ok(format!("stack: made, migrated and healthy after {seconds:.1} s (health is asked every 5 s)"))
    }

    fn start(&self) -> Result<f64, String> {
        let started = Instant::now();
        println!("$ docker compose up");
        workspace::run(&mut self.compose(&["up", "--detach", "--no-build"]))?;
        loop {
            let states = RUNNING.iter().map(|service| self.inspect(service, "{{.State.Status}} {{.State.Health.Status}}"));
            let states = states.collect::<Result<Vec<_>, _>>()?;
            if states.iter().all(|state| state == "running healthy") {
                return Ok(started.elapsed().as_secs_f64());
            }
            if started.elapsed() > PATIENCE || states.iter().any(|state| state.ends_with("unhealthy")) {
                return Err(format!("not all became healthy: {RUNNING:?} are {states:?}"));
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// The environment of the end-to-end tests.
    pub fn for_tests(&self) -> Result<[(&'static str, String); 4], String> {
        Ok([
            ("E2E_BASE_URL", self.url.clone()),
            ("E2E_CA_FILE", self.secrets.join("tls-certificate.pem").display().to_string()),
            ("E2E_SETUP_TOKEN", self.ask(&["exec", "-T", "usher-1", "/usher", "setup-token"])?),
            ("E2E_SMTP_LISTEN", format!("{MAIL}.1:{SMTP_PORT}")),
        ])
    }

    /// What an operator relies on besides what the tests see. Somebody must have made the first administrator. Returns what was
    /// measured.
    pub fn check(&self) -> Result<Vec<String>, String> {
        self.check_containers()?;
        self.check_volume()?;
        self.check_roles()?;
        println!("$ docker compose run worker doctor");
        workspace::run(&mut self.compose(&["run", "--rm", "--no-deps", "-T", "worker", "doctor"]))?;
        let ready = self.restart("usher-2")?;
        self.check_stop()?;
        self.ask(&["down"])?;
        let seconds = self.start()?;
        match self.ask(&["exec", "-T", "usher-1", "/usher", "setup-token"]) {
            Err(told) if told.contains("there is an administrator already") => {}
            told => return Err(format!("`down` and `up` lost the database: the setup token is {told:?}")),
        }
        Ok(vec![
            format!("usher: ready {ready:.2} s after `docker start` was given"),
            format!("stack: healthy {seconds:.1} s after `down` and `up`, with the data that was there"),
        ])
    }

    fn check_containers(&self) -> Result<(), String> {
        let format = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}} \
            {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.Config.User}}";
        for service in RUNNING {
            let found = self.inspect(service, format)?;
            let confined = match found.split(' ').collect::<Vec<_>>()[..] {
                ["true", "[ALL]", "false", "[no-new-privileges:true]", memory, processors, processes, user] => {
                    let limited =
                        [memory, processors, processes].iter().all(|limit| limit.parse().is_ok_and(|limit: u64| limit > 0));
                    limited && !user.is_empty() && user != "root" && !user.starts_with('0')
                }
                _ => false,
            };
            if !confined {
                return Err(format!("{service} is not confined as it should be: {found}"));
            }
        }
        Ok(())
    }

    /// The data must be in the volume that has a name; what an image declares to be a volume would hide it.
    fn check_volume(&self) -> Result<(), String> {
        let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{.Destination}}\n{{end}}{{end}}";
        let found = self.inspect("postgres", format)?;
        let data = self.sql(&["show data_directory"])?;
        match volume_of(&data, &found) {
            Some(name) if name == format!("{PROJECT}_database") => Ok(()),
            _ => Err(format!("PostgreSQL has its data in {data}, and these volumes: {found}")),
        }
    }

    /// usher's role can use the tables and not change them.
    fn check_roles(&self) -> Result<(), String> {
        self.sql(&["set role usher_app", "select count(*) from users"])?;
        for statement in ["drop table users", "create table more ()", "delete from audit_events"] {
            match self.sql(&["set role usher_app", statement]) {
                Err(told) if told.contains("permission denied") || told.contains("must be owner") => {}
                told => return Err(format!("usher's role may `{statement}`: {told:?}")),
            }
        }
        Ok(())
    }

    fn sql(&self, statements: &[&str]) -> Result<String, String> {
        let mut words =
            "exec -T postgres psql --no-psqlrc --quiet -At --username=postgres --dbname=usher".split(' ').collect::<Vec<_>>();
        words.extend(statements.iter().flat_map(|statement| ["--command", statement]));
        self.ask(&words)
    }

    /// How long one container takes from the order to start until it is ready.
    fn restart(&self, service: &str) -> Result<f64, String> {
        let container = self.ask(&["ps", "--quiet", service])?;
        self.engine.ask(&["stop", "--time=35", &container])?;
        let started = Instant::now();
        self.engine.ask(&["start", &container])?;
        while let Err(told) = self.engine.ask(&["exec", &container, "/usher", "healthcheck"]) {
            if started.elapsed() > PATIENCE {
                return Err(format!("{service} did not become ready again: {told}"));
            }
        }
        Ok(started.elapsed().as_secs_f64())
    }

    /// SIGTERM is answered by an orderly end.
    fn check_stop(&self) -> Result<(), String> {
        let containers = RUNNING.map(|service| self.ask(&["ps", "--quiet", service]));
        self.ask(&["stop"])?;
        for (service, container) in RUNNING.iter().zip(containers) {
            let code = self.engine.ask(&["inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", &container?])?;
            if code != "0 false" {
                return Err(format!("{service} was told to stop and ended with {code}"));
            }
        }
        Ok(())
    }

    pub fn show_logs(&self) {
        println!("\nThe last lines of the containers:");
        // It failed already; this only helps to see why.
        let _shown = workspace::run(&mut self.compose(&["logs", "--no-color", "--tail=40"]));
    }

    /// Removes all, and looks that nothing is left.
    pub fn remove(&self) -> Result<(), String> {
        self.down_with_volumes()?;
        let label = format!("label=com.docker.compose.project={PROJECT}");
        for what in [["ps", "--all"].as_slice(), &["volume", "ls"], &["network", "ls"]] {
            let left = self.engine.ask(&[what, &["--quiet", "--filter", &label]].concat())?;
            if !left.is_empty() {
                return Err(format!("`docker {}` still shows {left}", what.join(" ")));
            }
        }
        Ok(())
    }

    fn down_with_volumes(&self) -> Result<(), String> {
        self.ask(&["down", "--volumes", "--remove-orphans"]).map(drop)
    }
}

/// Of lines with the name of a volume and where it is mounted, the one in which the path is.
fn volume_of<'v>(path: &str, volumes: &'v str) -> Option<&'v str> {
    let volumes = volumes.lines().filter_map(|line| line.split_once(' '));
    let around = volumes.filter(|(_, place)| Path::new(path).starts_with(place));
    around.max_by_key(|(_, place)| place.len()).map(|(name, _)| name)
}

/// The time to connect is for machines that are busy with the tests themselves.
fn settings_of_the_test(exempt: &Path) -> String {
    let exempt = exempt.display();
    format!(
        "services:
  usher-1: &serve
    environment: {{USHER_RATE_LIMIT_EXEMPT: {FRONT}.0/24, USHER_DATABASE_CONNECT_TIMEOUT_SECONDS: '20'}}
  usher-2: *serve
  worker:
    environment: {{USHER_DATABASE_CONNECT_TIMEOUT_SECONDS: '20'}}
  nginx:
    volumes: ['{exempt}:/deploy/nginx/usher/exempt-networks.conf:ro']
networks:
  mail:
    ipam:
      config: [{{subnet: {MAIL}.0/24, gateway: {MAIL}.1}}]
"
    )
}

/// The system gives each port once in a while only, so nobody else has it by the time it is used.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no port is free: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nested_volumes_the_inner_one_holds_the_file() {
        let volumes = "outer /var/lib/postgresql\ninner /var/lib/postgresql/data\nsocket /run/postgresql\n";
        assert_eq!(volume_of("/var/lib/postgresql/data/base", volumes), Some("inner"));
        assert_eq!(volume_of("/var/lib/postgresql/18/docker", volumes), Some("outer"));
        assert_eq!(volume_of("/srv", volumes), None);
    }
}
