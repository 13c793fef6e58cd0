//! What is not clean in a file, as CSV: one line for each fault, so that whoever made the file can mend it.

use uuid::Uuid;

use super::{Row, store};
use crate::app::App;
use crate::cells;
use crate::db::Origin;
use crate::error::AppResult;
use crate::http::stream::Streamed;

const BATCH: i64 = 1000;

/// A report that is being written. Whether the caller may see it has been found out.
pub struct Report {
    id: Uuid,
    /// The last row that is in it; nothing before the first line.
    after: Option<i64>,
    pub faults: u64,
}

impl Report {
    pub fn of(id: Uuid) -> Self {
        Self { id, after: None, faults: 0 }
    }

    /// The whole as an answer.
    pub fn into_answer(mut self, app: App, origin: Origin) -> Streamed {
        Streamed::new("text/csv; charset=utf-8", "import-report.csv", |pieces| async move {
            while let Some(piece) = self.next(&app, &origin).await? {
                pieces.send(piece).await?;
            }
            Ok(())
        })
    }

    /// The next piece of it; `None` when it is whole.
    pub async fn next(&mut self, app: &App, origin: &Origin) -> AppResult<Option<Vec<u8>>> {
        let Some(after) = self.after else {
            self.after = Some(0);
            return Ok(Some(cells::line(["line", "class", "field", "code", "detail"])));
        };
        let mut tx = app.begin(origin).await?;
        let rows = store::list_faulty(&mut tx, self.id, after, BATCH).await?;
        tx.commit().await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.after = Some(last.position);
        let mut piece = Vec::new();
        for row in &rows {
            self.faults += lines(row, &mut piece);
        }
        Ok(Some(piece))
    }
}

fn lines(row: &Row, into: &mut Vec<u8>) -> u64 {
    let line = row.line.to_string();
    let class = row.outcome.as_deref().or(row.class.as_deref()).unwrap_or_default();
    for fault in &row.faults {
        into.extend(cells::line([line.as_str(), class, &fault.field, &fault.code, &fault.detail]));
    }
    row.faults.len().try_into().unwrap_or_default()
}
