//! The private PostgreSQL on the server that is installed here, found as it is for a newcomer.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Config, NoTls};

use super::{
    Options, Private, StartError,
    binaries::{SUPPORTED, parse_version},
    cluster::Cluster,
    postmaster::PidFile,
};

/// A data directory of one test. Takes the server with it if the test failed to stop it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("usher-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(fs::canonicalize(path).unwrap())
    }

    fn options(&self) -> Options<'_> {
        Options { data_dir: &self.0, pg_bin: None, durable: false }
    }

    async fn start(&self) -> Private {
        Private::start(&self.options()).await.unwrap()
    }

    async fn start_error(&self) -> String {
        Private::start(&self.options()).await.unwrap_err().to_string()
    }

    fn cluster(&self) -> PathBuf {
        self.0.join("postgres")
    }

    fn postmaster(&self) -> Option<i32> {
        Some(PidFile::living(&self.cluster())?.pid)
    }

    fn kill_postmaster(&self) {
        kill_process(Pid::from_raw(self.postmaster().unwrap()).unwrap(), Signal::KILL).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.postmaster().is_some() {
            self.kill_postmaster();
        }
        fs::remove_dir_all(&self.0).ok();
    }
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Waits until `condition` holds; a test that waits in vain fails.
async fn eventually(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.unwrap();
}

#[tokio::test]
async fn data_outlives_a_stop_and_half_made_clusters_go() {
    let place = Place::new("twice");
    fs::create_dir(place.0.join("postgres.new.1")).unwrap();

    let first = place.start().await;
    assert!(first.is_keeper());
    assert!(SUPPORTED.contains(&first.version().0));
    let client = connect(&first.config()).await.unwrap();
    client.batch_execute("create table kept (name text); insert into kept values ('Ada')").await.unwrap();
    first.stop().await.unwrap();
    assert_eq!(place.postmaster(), None);
    assert!(!place.0.join("postgres.new.1").exists());

    let second = place.start().await;
    let client = connect(&second.config()).await.unwrap();
    let row = client.query_one("select name from kept", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "Ada");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn server_of_a_lost_keeper_is_adopted_and_stopped() {
    let place = Place::new("adopt");
    let lost = place.start().await;
    let postmaster = place.postmaster();
    drop(lost);

    let next = place.start().await;
    assert_eq!(place.postmaster(), postmaster);
    eventually(async || next.is_keeper()).await;
    next.stop().await.unwrap();
    assert_eq!(place.postmaster(), None);
}

#[tokio::test]
async fn server_stays_while_another_uses_it() {
    let place = Place::new("shared");
    let (one, other) = tokio::join!(place.start(), place.start());
    let (keeper, guest) = if one.is_keeper() { (one, other) } else { (other, one) };
    assert!(keeper.is_keeper() && !guest.is_keeper());
    let passer_by = place.start().await;
    passer_by.stop().await.unwrap();
    let client = connect(&guest.config()).await.unwrap();

    keeper.stop().await.unwrap();
    client.simple_query("select 1").await.unwrap();
    eventually(async || guest.is_keeper()).await;
    guest.stop().await.unwrap();
    assert_eq!(place.postmaster(), None);
}

#[tokio::test]
async fn killed_server_comes_back() {
    let place = Place::new("killed");
    let private = place.start().await;
    let config = private.config();
    let killed = place.postmaster();
    place.kill_postmaster();

    eventually(async || place.postmaster() != killed && connect(&config).await.is_ok()).await;
    private.stop().await.unwrap();
    assert_eq!(place.postmaster(), None);
}

#[tokio::test]
async fn number_of_a_dead_server_may_be_another_programs() {
    let place = Place::new("reused");
    place.start().await.stop().await.unwrap();
    let cluster = Cluster::open(&place.options()).unwrap();
    let sleeper = cluster.command(Path::new("sleep")).arg("60").kill_on_drop(true).spawn();
    let pid = sleeper.as_ref().unwrap().id().unwrap();
    let stale = format!("{pid}\n{}\n1\n5432\n\n\n0 0\n", place.cluster().display());
    fs::write(place.cluster().join("postmaster.pid"), stale).unwrap();
    fs::write(place.0.join("run/.s.PGSQL.5432.lock"), format!("{pid}\n/\n")).unwrap();

    let private = place.start().await;
    assert!(private.is_keeper());
    private.stop().await.unwrap();
}

#[tokio::test]
async fn long_path_gets_its_socket_elsewhere() {
    let place = Place::new(&"long".repeat(30));
    let private = place.start().await;
    let socket_dir = private.socket_dir().to_owned();
    assert!(!socket_dir.starts_with(&place.0));
    connect(&private.config()).await.unwrap();
    private.stop().await.unwrap();
    fs::remove_dir_all(socket_dir).unwrap();
}

#[tokio::test]
async fn refuses_what_it_can_not_open() {
    let place = Place::new("refused");
    let cluster = Cluster::open(&place.options()).unwrap().directory();
    fs::create_dir(&cluster).unwrap();
    hand_over_as_root(&cluster);

    fs::write(cluster.join("PG_VERSION"), "14\n").unwrap();
    let error = place.start_error().await;
    assert!(error.contains("was made by PostgreSQL 14, but usher works with PostgreSQL 15 to 18"), "{error}");

    fs::remove_file(cluster.join("PG_VERSION")).unwrap();
    fs::write(cluster.join("holiday.jpg"), "").unwrap();
    let error = place.start_error().await;
    assert!(error.contains("it is no PostgreSQL cluster"), "{error}");
}

#[tokio::test]
async fn refuses_programs_of_another_version_and_says_where_they_are() {
    let place = Place::new("programs");
    let bin = place.0.join("bin");
    fs::create_dir(&bin).unwrap();
    for program in ["postgres", "initdb"] {
        let path = bin.join(program);
        fs::write(&path, "#!/bin/sh\necho 'postgres (PostgreSQL) 14.2'\n").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let options = Options { pg_bin: Some(&bin), ..place.options() };
    let error = Private::start(&options).await.unwrap_err();
    assert!(matches!(error, StartError::UnsupportedVersion { .. }), "{error}");
    let expected = format!("found PostgreSQL 14.2 in {}", bin.display());
    assert!(error.to_string().contains(&expected), "{error}");

    fs::remove_file(bin.join("initdb")).unwrap();
    let error = Private::start(&options).await.unwrap_err();
    assert!(error.to_string().contains("there is no initdb"), "{error}");
}

#[tokio::test]
async fn names_the_directory_that_bars_the_way() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new("barred");
    let barred = place.0.join("barred");
    fs::create_dir(&barred).unwrap();
    fs::set_permissions(&barred, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let options = Options { data_dir: &barred.join("data"), ..place.options() };
    let error = Private::start(&options).await.unwrap_err().to_string();
    assert!(error.contains(&format!("chmod o+x {}`", barred.display())), "{error}");
}

#[test]
fn versions_are_read() {
    let version = |text| parse_version(text).map(|(version, major)| format!("{version} {major}"));
    let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
    assert_eq!(version(debian).as_deref(), Some("15.18 15"));
    assert_eq!(version("postgres (PostgreSQL) 19beta1\n").as_deref(), Some("19beta1 19"));
    assert_eq!(version("mysqld 9"), None);
}

/// Root's own cluster would be refused before anybody looks into it.
fn hand_over_as_root(directory: &Path) {
    if rustix::process::geteuid().is_root() {
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        let nobody = passwd.lines().find(|line| line.starts_with("nobody:"));
        let uid = nobody.unwrap().split(':').nth(2).unwrap().parse().ok();
        std::os::unix::fs::chown(directory, uid, None).unwrap();
    }
}
