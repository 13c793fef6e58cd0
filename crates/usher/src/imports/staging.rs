//! Reading a file into the database, one row in memory at a time: a thread reads and checks, a COPY on a connection of its own writes.

use std::io::Read;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use super::columns::Columns;
use super::reader::{self, Raw, unreadable};
use super::record::Record;
use super::{Class, Counts, Fault, Options, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::Authority;
use crate::db::Origin;
use crate::error::{AppError, AppResult, Rejection};
use crate::id::new_uuid;

/// Rows of one file.
const ROWS_MAX: i64 = 20_000_000;
/// Files that a process reads at once.
static READING: Semaphore = Semaphore::const_new(if cfg!(test) { 1000 } else { 2 });
/// Rows that the thread that reads hands over at once: for each alone one thread would wake the other.
const HANDED_OVER: usize = 64;
/// How many times so many may wait for the connection that writes.
const WAITING_MAX: usize = 4;
/// A source's name is kept so long.
const SOURCE_MAX: usize = 200;

/// A row as it is staged.
struct Staged {
    line: i64,
    record: Record,
    faults: Option<Vec<Fault>>,
}

/// Stages a file and returns the import, whose rows are to be judged next. A file that can't be read leaves nothing behind.
pub async fn stage(
    app: &App,
    by: Authority,
    origin: &Origin,
    options: Options,
    source: &str,
    from: impl Read + Send + 'static,
) -> AppResult<Uuid> {
    let busy = || Rejection::unavailable("overloaded", "Other files are being imported: try again in a moment.", 10);
    let _permit = READING.try_acquire().map_err(|_| busy())?;
    let source: String = source.chars().filter(|c| !c.is_control()).take(SOURCE_MAX).collect();
    let columns = Columns::new(&options)?;
    let mut tx = app.begin(origin).await?;
    let id = new_uuid(tx.now());
    store::insert_import(&mut tx, id, by, &options, &source).await?;
    tx.commit().await?;
    let staged = copy(app, id, options, columns, from).await;
    let mut tx = app.begin(origin).await?;
    match staged {
        Ok(counts) => {
            if !store::update_to_staged(&mut tx, id, counts).await? {
                store::delete_import(&mut tx, id).await?;
                tx.commit().await?;
                return Err(unreadable("The file took so long that its import was given up: split it.").into());
            }
            let rows = counts.total();
            let event = Event::success("import.staged").on("import", id).detail("source", source).detail("rows", rows);
            audit::record(&mut tx, event).await?;
            tx.commit().await?;
            Ok(id)
        }
        Err(error) => {
            store::delete_import(&mut tx, id).await?;
            tx.commit().await?;
            Err(error)
        }
    }
}

/// Says what the rows are, as far as that can be said of a file alone.
async fn copy(app: &App, id: Uuid, options: Options, columns: Columns, from: impl Read + Send + 'static) -> AppResult<Counts> {
    let client = app.db.dedicated().await?;
    // All rows or none; the file says how long it takes.
    let begin = "begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = '5min'";
    client.batch_execute(begin).await.map_err(anyhow::Error::from)?;
    let (sender, mut rows) = mpsc::channel(WAITING_MAX);
    let app = app.clone();
    let options = Arc::new(options);
    let reading = tokio::task::spawn_blocking(move || read(&app, from, &options, &columns, &sender));
    let sql = "copy import_rows (import_id, position, line, record, class, faults) from stdin binary";
    let sink = client.copy_in(sql).await.map_err(anyhow::Error::from)?;
    let types = [Type::UUID, Type::INT8, Type::INT8, Type::JSONB, Type::TEXT, Type::JSONB];
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    let (mut position, mut counts) = (0_i64, Counts::default());
    while let Some(handed_over) = rows.recv().await {
        for Staged { line, record, faults } in handed_over {
            position += 1;
            let class = faults.is_some().then_some(Class::Invalid);
            *counts.of(class, None) += 1;
            let (record, class, faults) = (Json(record), class.map(Class::as_str), faults.map(Json));
            writer.as_mut().write(&[&id, &position, &line, &record, &class, &faults]).await.map_err(anyhow::Error::from)?;
        }
    }
    // Dropped before it is finished, the COPY is undone.
    reading.await.map_err(anyhow::Error::from)??;
    writer.finish().await.map_err(anyhow::Error::from)?;
    client.batch_execute("commit; analyze import_rows").await.map_err(anyhow::Error::from)?;
    Ok(counts)
}

/// Reads the file to its end; returns early when nobody takes the rows any more, whose failure is the one to tell.
fn read(
    app: &App,
    from: impl Read + 'static,
    options: &Options,
    columns: &Columns,
    sender: &mpsc::Sender<Vec<Staged>>,
) -> AppResult<()> {
    let mut count = 0_i64;
    let mut read_rows = Vec::with_capacity(HANDED_OVER);
    let (now, recognise) = (app.clock.now(), |hash: &str| app.hasher.recognise(hash));
    reader::read_rows(from, options, columns, &mut |Raw { line, members }| {
        count += 1;
        if count > ROWS_MAX {
            return Err(AppError::from(unreadable(format!("The file has more than {ROWS_MAX} rows: split it."))));
        }
        let read = members.map_err(|fault| vec![fault]);
        let read = read.and_then(|members| Record::read(members, options, columns, &recognise, now));
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        read_rows.push(match read {
            Ok(record) => Staged { line, record, faults: None },
            Err(faults) => Staged { line, record: Record::default(), faults: Some(faults) },
        });
        if read_rows.len() < HANDED_OVER {
            return Ok(true);
        }
        let full = std::mem::replace(&mut read_rows, Vec::with_capacity(HANDED_OVER));
        Ok(sender.blocking_send(full).is_ok())
    })?;
    // Nobody may be there any more, whose failure is the one to tell.
    let _ = sender.blocking_send(read_rows);
    Ok(())
}
