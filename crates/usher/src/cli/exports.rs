//! `usher export`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{Failure, Outcome, boot, output, progress};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::exports::{self, Format, Wanted};
use crate::id::UserId;

#[derive(Subcommand)]
pub enum Command {
    /// Write users into a file that `usher import users` reads
    Users(Users),
}

#[derive(Args)]
pub struct Users {
    /// csv, ndjson or parquet
    #[arg(long, default_value = "csv")]
    format: String,
    /// Only users whom it fits, as in `GET /v1/users`
    #[arg(long)]
    filter: Option<String>,
    /// Only these fields, separated by commas
    #[arg(long)]
    fields: Option<String>,
    /// Also the hashes of passwords: keep the file as you keep the database
    #[arg(long)]
    with_password_hashes: bool,
    /// Only users after this one, without the line of columns: an export that was cut off goes on. If the file of --output is
    /// there, it goes on behind the row of this user; CSV and NDJSON only
    #[arg(long, value_name = "ID")]
    after: Option<UserId>,
    /// Where to; the standard output when left out. Only its owner can read it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let Command::Users(users) = command;
    let running = boot::ready(config).await?;
    let outcome = export(&running.app, users).await;
    running.stop().await;
    outcome
}

async fn export(app: &App, users: Users) -> Outcome {
    let format = Format::parse(&users.format).ok_or_else(|| Failure::usage("--format is csv, ndjson or parquet"))?;
    if format == Format::Parquet && users.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("Parquet is nothing for a terminal: give --output, or send the output into a file"));
    }
    let (filter, fields, password_hashes, after) = (users.filter, users.fields, users.with_password_hashes, users.after);
    let wanted = Wanted { format, filter, fields, password_hashes, after };
    let count = write(app, wanted, users.output.as_deref(), users.reason).await?;
    if let Some(path) = &users.output {
        output::say(format!("Wrote {count} users to {}.", path.display()));
    }
    Ok(())
}

/// Writes the file, and says how many users it got. What is there stays until it is clear that there is an export.
async fn write(app: &App, wanted: Wanted, output: Option<&Path>, reason: Option<String>) -> Result<u64, Failure> {
    let file = output.map(|path| open(path, &wanted)).transpose()?;
    let mut export = exports::begin(app, Authority::operator(), &boot::operator(reason), wanted).await?;
    let to: Box<dyn Write> = match file {
        Some((file, place)) => Box::new(cut(file, place).context("writing the export")?),
        None => Box::new(std::io::stdout()),
    };
    let mut to = BufWriter::new(to);
    while let Some(piece) = export.next().await? {
        to.write_all(&piece).context("writing the export")?;
        let amount = format!("{} of {} users", export.written(), export.count);
        progress::show("exported", export.written(), export.count.unsigned_abs(), &amount);
    }
    to.flush().context("writing the export")?;
    let count = export.finish().await?;
    progress::end();
    Ok(count)
}

/// The file, and how much of it stays.
fn open(path: &Path, wanted: &Wanted) -> Result<(File, u64), Failure> {
    let goes_on = wanted.after.is_some() && path.is_file();
    let file = OpenOptions::new().read(goes_on).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.with_context(|| format!("making {}", path.display()))?;
    let place = if goes_on { exports::find_place(wanted, &file)? } else { 0 };
    Ok((file, place))
}

fn cut(mut file: File, place: u64) -> std::io::Result<File> {
    // A device or a pipe has no length.
    if file.metadata()?.is_file() {
        file.set_len(place)?;
        file.seek(SeekFrom::Start(place))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::TestApp;

    async fn run(app: &App, path: &Path, wanted: Wanted) -> Result<u64, String> {
        write(app, wanted, Some(path), None).await.map_err(|failure| failure.message)
    }

    /// Each row of the file: where it ends, and the id of its user.
    fn rows(format: Format, file: &[u8]) -> Vec<(usize, UserId)> {
        let id = |text: &str| text.parse().unwrap();
        if format == Format::Ndjson {
            let text = str::from_utf8(file).unwrap();
            let mut end = 0;
            let row = |line: &str| {
                end += line.len();
                (end, id(serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap()))
            };
            return text.split_inclusive('\n').map(row).collect();
        }
        let records: Vec<_> = csv::Reader::from_reader(file).into_records().map(Result::unwrap).collect();
        let begins = records.iter().skip(1).map(|record| usize::try_from(record.position().unwrap().byte()).unwrap());
        // A reader takes the `\n` of the line before for the begin of the next.
        let ends = begins.map(|at| at + usize::from(file[at] == b'\n')).chain([file.len()]);
        ends.zip(&records).map(|(end, record)| (end, id(&record[0]))).collect()
    }

    /// Users over several batches, whose texts are what breaks lines.
    async fn with_users(app: &TestApp) {
        let mut tx = app.tx().await;
        let users = "
            insert into users (id, username, status, bio, created_at, updated_at)
            select md5('user' || at)::uuid, 'user' || at, 'active', E'one \"' || at || E'\",\r\ntwo\n', '2026-01-01', '2026-01-01'
            from generate_series(1, 1200) as at";
        tx.execute(users, &[]).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn an_export_that_was_cut_off_goes_on_to_the_same_bytes() {
        let app = TestApp::new().await;
        with_users(&app).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        for format in [Format::Csv, Format::Ndjson] {
            let wanted = |after| Wanted { format, after, ..Wanted::default() };
            assert_eq!(run(&app.app, &path, wanted(None)).await, Ok(1200));
            let whole = fs::read(&path).unwrap();
            let rows = rows(format, &whole);
            assert_eq!(rows.len(), 1200);
            // Cut at the end of a row, within one, between `\r` and `\n`, and before the last byte.
            let (end, next) = (rows[699].0, rows[700].0);
            for cut in [end, end + 1, usize::midpoint(end, next), next - 2, next - 1, whole.len() - 1] {
                let (at, (_, last)) = rows.iter().enumerate().rfind(|(_, (end, _))| *end <= cut).unwrap();
                fs::write(&path, &whole[..cut]).unwrap();
                if let Some((_, half)) = rows.get(at + 1) {
                    let told = run(&app.app, &path, wanted(Some(*half))).await.unwrap_err();
                    assert!(told.contains("no whole row") && told.contains(&last.to_string()), "{told}");
                    assert_eq!(fs::read(&path).unwrap(), whole[..cut], "what is refused changes nothing");
                }
                assert_eq!(run(&app.app, &path, wanted(Some(*last))).await, Ok(1199 - at as u64), "{format:?} {cut}");
                assert_eq!(fs::read(&path).unwrap(), whole, "{format:?} {cut}");
            }
            // From further before, and into a file that is not there.
            assert_eq!(run(&app.app, &path, wanted(Some(rows[9].1))).await, Ok(1190));
            assert_eq!(fs::read(&path).unwrap(), whole);
            fs::remove_file(&path).unwrap();
            assert_eq!(run(&app.app, &path, wanted(Some(rows[9].1))).await, Ok(1190));
            assert_eq!(fs::read(&path).unwrap(), whole[rows[9].0..]);
        }
        app.finish().await;
    }

    #[tokio::test]
    async fn a_file_that_no_export_can_go_on_with_stays_as_it_is() {
        let app = TestApp::new().await;
        with_users(&app).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        run(&app.app, &path, Wanted { fields: Some("id,bio".to_owned()), ..Wanted::default() }).await.unwrap();
        let csv = fs::read(&path).unwrap();
        let after = Some(rows(Format::Csv, &csv)[3].1);
        let fields = |names: &str| Some(names.to_owned());
        for (wanted, why) in [
            (Wanted { after, format: Format::Parquet, ..Wanted::default() }, "Parquet"),
            (Wanted { after, ..Wanted::default() }, "the same fields"),
            (Wanted { after, fields: fields("username,bio"), ..Wanted::default() }, "no ids"),
            (Wanted { after, format: Format::Ndjson, ..Wanted::default() }, "no export of this format"),
            (
                Wanted { after: Some(UserId::new(app.app.clock.now())), fields: fields("id,bio"), ..Wanted::default() },
                "no whole row",
            ),
            (Wanted { after, fields: fields("id,bio"), filter: fields("nonsense"), ..Wanted::default() }, "ilter"),
            (Wanted { filter: fields("nonsense"), ..Wanted::default() }, "ilter"),
        ] {
            let told = run(&app.app, &path, wanted).await.unwrap_err();
            assert!(told.contains(why), "{why}: {told}");
            assert_eq!(fs::read(&path).unwrap(), csv, "{why}");
        }
        run(&app.app, &path, Wanted { format: Format::Ndjson, ..Wanted::default() }).await.unwrap();
        let lines = fs::read(&path).unwrap();
        let wanted = Wanted { after, format: Format::Ndjson, fields: fields("id,bio"), ..Wanted::default() };
        assert!(run(&app.app, &path, wanted).await.unwrap_err().contains("fields"));
        assert_eq!(fs::read(&path).unwrap(), lines);
        app.finish().await;
    }
}
