//! `cargo xtask up`: from a fresh clone to a server that answers.
//!
//! xtask becomes the server (`exec`), so that signals, the terminal and the exit code are the
//! server's own and nothing can be left behind. A second xtask in the background waits until
//! the server is ready and then says what to do next.

use std::fs;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::http::Request;
use crate::workspace::{self, Profile};
use crate::{Outcome, postgres, sweep, tools, tour};

/// The hidden command that waits for the server and prints what to do next.
pub const ANNOUNCE: &str = "__announce";

/// A first start makes a cluster, which takes a while on a small machine.
pub const READY_PATIENCE: Duration = Duration::from_mins(2);

const LISTEN_DEFAULT: &str = "127.0.0.1:8000";

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    tour: bool,
    profile: Profile,
}

impl Options {
    pub fn parse(flags: &[&str]) -> Option<Self> {
        let mut options = Self { tour: false, profile: Profile::Release };
        for flag in flags {
            match *flag {
                "--tour" => options.tour = true,
                "--debug" => options.profile = Profile::Debug,
                _ => return None,
            }
        }
        Some(options)
    }
}

pub fn run(options: &Options) -> Outcome {
    let settings = Settings::read();
    // The tour always has a PostgreSQL of its own: it must not write to anybody's database.
    if options.tour || !settings.names_a_database() {
        postgres::ensure()?;
    }
    let usher = workspace::build_usher(options.profile)?;
    if options.tour {
        return tour::run(&usher);
    }
    serve(&usher, &settings)
}

fn serve(usher: &Path, settings: &Settings) -> Outcome {
    let listen = settings.get("USHER_LISTEN").unwrap_or_else(|| LISTEN_DEFAULT.to_owned());
    let address = reachable(&listen)?;
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return Err(format!(
            "something listens on {address} already: stop it, or choose another address with \
             USHER_LISTEN"
        ));
    }
    let data_directory = settings.data_directory()?;
    println!("Starting usher on {address}, its data in {data_directory}.");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    // The shell in between ends at once, so that the server has no child it does not know of.
    workspace::run(
        Command::new("sh")
            .args(["-c", "\"$0\" \"$@\" &"])
            .arg(program)
            .args([ANNOUNCE, &std::process::id().to_string()])
            .args([&address.to_string(), &data_directory]),
    )?;
    let error = Command::new(usher).arg("serve").exec();
    Err(format!("{} did not start: {error}", usher.display()))
}

/// Waits for the server and says what to do next.
pub fn announce(server: &str, address: &str, data_directory: &Path) -> Outcome {
    let address: SocketAddr = address.parse().map_err(|_| format!("{address} is no address"))?;
    if let Err(reason) = wait_until_ready(address, || sweep::alive(server)) {
        println!(
            "\n{reason}. The lines above say why; `usher config check` looks at the \
             settings, `usher doctor` at the machine."
        );
        return Ok(ExitCode::FAILURE);
    }
    println!("{}", banner(address, data_directory));
    Ok(ExitCode::SUCCESS)
}

/// Asks `/readyz` until it says yes; an error says why that will not happen.
pub fn wait_until_ready(address: SocketAddr, mut alive: impl FnMut() -> bool) -> Result<(), String> {
    let started = Instant::now();
    while started.elapsed() < READY_PATIENCE {
        if !alive() {
            return Err("usher ended before it was ready".to_owned());
        }
        let answer = Request::get("/readyz").send(address);
        if answer.is_ok_and(|answer| answer.status == 200) {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    Err(format!("usher was not ready after {} seconds", READY_PATIENCE.as_secs()))
}

fn banner(address: SocketAddr, data_directory: &Path) -> String {
    let token_file = data_directory.join("setup-token");
    let next = match fs::read_to_string(&token_file) {
        Ok(token) => {
            let token = token.trim();
            format!(
                "  Setup token  {token}

Make the first administrator, with an address and a password of your own:

  curl -X POST http://{address}/v1/setup \\
    -H 'Content-Type: application/json' \\
    -d '{{\"token\":\"{token}\",\"email\":\"admin@example.org\",\"password\":\"plum kettle orbit lantern\"}}'"
            )
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => format!(
            "
Sign in. (Is there no administrator yet? `usher setup-token` makes a token for POST /v1/setup.)

  curl -X POST http://{address}/v1/login \\
    -H 'Content-Type: application/json' \\
    -d '{{\"identifier\":\"admin@example.org\",\"password\":\"...\"}}'"
        ),
        Err(error) => format!("  Setup token  in {}, which could not be read: {error}", token_file.display()),
    };
    format!("\nusher is ready. Ctrl-C stops it.\n\n  API docs     http://{address}/docs\n{next}\n")
}

/// The address to reach a server at that listens on `listen`.
fn reachable(listen: &str) -> Result<SocketAddr, String> {
    let mut address = listen
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| format!("USHER_LISTEN is {listen:?}, which is no address like 0.0.0.0:8000"))?;
    if address.ip().is_unspecified() {
        let loopback: SocketAddr = if address.is_ipv4() {
            ([127, 0, 0, 1], address.port()).into()
        } else {
            (std::net::Ipv6Addr::LOCALHOST, address.port()).into()
        };
        address = loopback;
    }
    Ok(address)
}

/// What usher will be told: its environment, and `.env` in the working directory.
pub struct Settings {
    file: Vec<(String, String)>,
}

impl Settings {
    pub fn read() -> Self {
        let text = fs::read_to_string(".env").unwrap_or_default();
        Self { file: parse_env(&text) }
    }

    pub fn get(&self, name: &str) -> Option<String> {
        let real = std::env::var(name).ok();
        real.or_else(|| {
            let (_, value) = self.file.iter().find(|(key, _)| key == name)?;
            Some(value.clone())
        })
    }

    fn names_a_database(&self) -> bool {
        self.get("USHER_DATABASE_URL").is_some() || self.get("USHER_DATABASE_URL_FILE").is_some()
    }

    pub fn data_directory(&self) -> Result<String, String> {
        if let Some(folder) = self.get("USHER_DATA_DIR") {
            return Ok(folder);
        }
        if tools::is_root() {
            return Ok("/var/lib/usher".to_owned());
        }
        let data = std::env::var("XDG_DATA_HOME")
            .ok()
            .filter(|folder| Path::new(folder).is_absolute())
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")))
            .ok_or("neither USHER_DATA_DIR nor HOME is set")?;
        Ok(data.join("usher").to_string_lossy().into_owned())
    }
}

/// Reads `NAME=value` lines, with or without `export` and quotes.
fn parse_env(text: &str) -> Vec<(String, String)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()).to_owned()))
        .collect()
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or_else(|| value.split(" #").next().unwrap_or(value).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_parsed() {
        let options = Options::parse(&["--tour", "--debug"]).unwrap();
        assert!(options.tour);
        assert_eq!(options.profile, Profile::Debug);
        assert_eq!(Options::parse(&["--tuor"]), None);
    }

    #[test]
    fn an_unspecified_address_is_reached_by_loopback() {
        assert_eq!(reachable("0.0.0.0:81").unwrap().to_string(), "127.0.0.1:81");
        assert_eq!(reachable("[::]:81").unwrap().to_string(), "[::1]:81");
        assert_eq!(reachable("127.0.0.2:81").unwrap().to_string(), "127.0.0.2:81");
        assert!(reachable("8000").is_err());
    }

    #[test]
    fn an_env_file_is_read() {
        let text = "# a comment\nA=1\nexport B = \"two words\"\nC='x=y' \nD=v # why\n\nnothing";
        let found = parse_env(text);
        let wanted = [("A", "1"), ("B", "two words"), ("C", "x=y"), ("D", "v")];
        let wanted: Vec<(String, String)> =
            wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_banner_names_the_token_or_says_to_sign_in() {
        let folder = std::env::temp_dir().join(format!("usher-banner-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 8000));
        assert!(banner(address, &folder).contains("Sign in."));
        fs::write(folder.join("setup-token"), "abc\n").unwrap();
        let text = banner(address, &folder);
        fs::remove_dir_all(&folder).unwrap();
        assert!(text.contains("http://127.0.0.1:8000/docs"), "{text}");
        assert!(text.contains("{\"token\":\"abc\","), "{text}");
    }
}
