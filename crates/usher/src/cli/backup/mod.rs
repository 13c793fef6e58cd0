//! `usher backup` and `usher restore`.

pub(crate) mod file;
mod restore;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;
use tokio_postgres::Client;

pub use restore::{Restore, run as restore};

use self::file::{Manifest, Writer};
use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::Config;
use crate::db::migrations::{self, Standing};
use crate::db::{programs, restore as database};
use crate::doctor::sealed;

/// What is read from `pg_dump` at once, in bytes.
const PIECE: usize = 256 * 1024;
/// What has been written is told as often as this many bytes.
const PROGRESS: u64 = 8 * 1024 * 1024;

#[derive(Args)]
pub struct Backup {
    /// Where to, a file that is not there yet; `-` is the standard output
    file: PathBuf,
}

pub async fn run(config: Config, backup: &Backup, json: bool) -> Outcome {
    let to_stdout = backup.file == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a backup is no text for a terminal: name a file, or lead the standard output somewhere"));
    }
    if to_stdout && json {
        return Err(Failure::usage("`-` and --json would both write to the standard output"));
    }
    if !to_stdout && backup.file.exists() {
        return Err(Failure::usage(format!("{} is there already: a backup replaces nothing", backup.file.display())));
    }
    let running = boot::connect(config).await?;
    let made = make(&running, (!to_stdout).then_some(&*backup.file)).await;
    let noted = match &made {
        Ok(manifest) => note(&running.app, manifest).await,
        Err(_) => Ok(()),
    };
    running.stop().await;
    let manifest = made?;
    noted.context("the backup is made, but the audit trail can't be told")?;
    if to_stdout {
        return Ok(());
    }
    if json {
        output::json(&manifest)?;
        return Ok(());
    }
    let size = std::fs::metadata(&backup.file).map_err(anyhow::Error::from)?.len();
    output::say(format!("Wrote {} ({}): {}.", backup.file.display(), output::bytes(size), manifest.content()));
    output::say(format!(
        "It opens with the secret key {}, which is not in it: keep that elsewhere.",
        manifest.secret_keys.join(", ")
    ));
    Ok(())
}

async fn make(running: &boot::Running, path: Option<&Path>) -> anyhow::Result<Manifest> {
    let Some(path) = path else {
        let (manifest, mut stdout) = write(running, std::io::stdout()).await?;
        stdout.flush()?;
        return Ok(manifest);
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Only its owner may read it, from the first byte on; it disappears when this fails.
    let part =
        NamedTempFile::with_prefix_in(".usher-backup-", folder).with_context(|| format!("writing into {}", folder.display()))?;
    let (manifest, part) = write(running, part).await?;
    part.as_file().sync_all()?;
    part.persist_noclobber(path).with_context(|| format!("naming the backup {}", path.display()))?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(manifest)
}

async fn write<W: Write>(running: &boot::Running, to: W) -> anyhow::Result<(Manifest, W)> {
    let app = &running.app;
    let keys = sealed::marks(app).await.map_err(anyhow::Error::from)?.into_iter().map(|(mark, _)| file::key_id(&mark));
    let mut secret_keys: Vec<String> = keys.chain([file::key_id(app.sealer.mark())]).collect();
    secret_keys.sort();
    secret_keys.dedup();

    let client = app.db.dedicated().await?;
    let snapshot = Snapshot::take(&client).await?;
    ensure!(snapshot.schema_version > 0, "the database holds nothing of usher: there is nothing to back up");
    let pg_bin = app.config.database.pg_bin.as_deref();
    let (program, pg_dump) = programs::find(pg_bin, "pg_dump", snapshot.postgres).await.map_err(anyhow::Error::msg)?;
    let mut command = programs::command(&program, &running.postgres);
    command.args(["--format=custom", "--no-password", "--no-unlogged-table-data", "--lock-wait-timeout=30000"]);
    command.arg(format!("--snapshot={}", snapshot.name));
    let mut dump = programs::Running::start(command)?;
    let mut from = dump.child.stdout.take().context("a program's standard output is ours")?;
    let mut writer = Writer::new(to);
    let (mut piece, mut told) = (vec![0; PIECE], 0);
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        writer.write(&piece[..read]).context("writing the backup")?;
        if writer.length() - told > PROGRESS {
            told = writer.length();
            output::progress(&format!("{} ...", output::bytes(told)));
        }
    }
    output::progress("");
    dump.finish().await?;
    let manifest = Manifest {
        format: file::FORMAT,
        usher: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version: snapshot.schema_version,
        made_at: app.clock.now(),
        postgres: snapshot.postgres,
        pg_dump,
        secret_keys,
        rows: snapshot.rows,
        dump_bytes: writer.length(),
        dump_sha256: writer.sha256(),
    };
    let to = writer.finish(&manifest, &app.sealer).context("writing the backup")?;
    Ok((manifest, to))
}

/// One state of the database, for `pg_dump` and for us. It lasts as long as the connection.
struct Snapshot {
    name: String,
    postgres: u32,
    schema_version: i32,
    rows: BTreeMap<String, i64>,
}

impl Snapshot {
    async fn take(client: &Client) -> anyhow::Result<Self> {
        let begin = "
            set statement_timeout = 0;
            set idle_in_transaction_session_timeout = 0;
            begin isolation level repeatable read read only";
        client.batch_execute(begin).await?;
        let row = client.query_one("select pg_export_snapshot(), current_setting('server_version_num')::int4", &[]).await?;
        let version: i32 = row.get(1);
        Ok(Self {
            name: row.get(0),
            postgres: u32::try_from(version / 10_000)?,
            schema_version: migrations::current(client).await?,
            rows: database::count_rows(client).await?,
        })
    }
}

/// Whoever has a backup has everybody's data, so the trail says that there is one.
async fn note(app: &App, manifest: &Manifest) -> anyhow::Result<()> {
    let client = app.db.dedicated().await?;
    // Before an upgrade the new binary backs up a schema that it can't write to yet.
    if !matches!(migrations::standing(&client).await, Ok(Standing::Same)) {
        return Ok(());
    }
    let mut tx = app.begin(&boot::operator(None)).await?;
    let event = Event::success("database.backed_up").detail("sha256", manifest.dump_sha256.clone());
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(())
}

/// The one row count that people ask for first.
impl Manifest {
    pub fn content(&self) -> String {
        let count = |table: &str| self.rows.get(table).copied().unwrap_or_default();
        format!(
            "{} users and {} audit events as of {}, schema version {}",
            count("users"),
            count("audit_events"),
            output::time(self.made_at),
            self.schema_version
        )
    }
}

/// A file that can't be what it is said to be.
fn no_backup(path: &Path, why: &str) -> anyhow::Error {
    anyhow::anyhow!("{} is no backup of usher, or it is damaged: {why}", path.display())
}

fn open(path: &Path) -> anyhow::Result<std::fs::File> {
    if path == Path::new("-") {
        bail!("a backup is restored from a file, since all of it is verified first");
    }
    std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))
}
