//! An export as an answer that is written while it is read.

use super::{Export, Format};
use crate::http::stream::Streamed;

impl Export {
    pub fn into_answer(mut self) -> Streamed {
        let (media_type, file_name) = match self.format {
            Format::Csv => ("text/csv; charset=utf-8", "users.csv"),
            Format::Ndjson => ("application/x-ndjson", "users.ndjson"),
            Format::Parquet => ("application/vnd.apache.parquet", "users.parquet"),
        };
        Streamed::new(media_type, file_name, |pieces| async move {
            while let Some(piece) = self.next().await? {
                pieces.send(piece).await?;
            }
            self.finish().await?;
            Ok(())
        })
    }
}
