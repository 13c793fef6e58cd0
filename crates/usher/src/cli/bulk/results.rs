//! What came of the users of a run, one by one.

use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::super::following::LISTED_MAX;
use super::super::{Outcome, output};
use crate::bulk::{self, Item};
use crate::db::Tx;
use crate::error::AppResult;

#[derive(Args)]
pub struct Results {
    /// The run's id
    id: Uuid,
    /// Only what came to this
    #[arg(long, value_enum)]
    outcome: Option<OutcomeName>,
    /// At most so many, up to 100000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=LISTED_MAX))]
    limit: i64,
    /// Only what comes after this position
    #[arg(long, value_name = "POSITION")]
    after: Option<i64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum OutcomeName {
    ToDo,
    Done,
    Unchanged,
    Refused,
    Failed,
}

impl OutcomeName {
    fn as_str(self) -> &'static str {
        match self {
            Self::ToDo => "to_do",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One more than is shown, to see whether there are more.
pub async fn find(tx: &mut Tx, wanted: &Results) -> AppResult<Vec<Item>> {
    let outcome = wanted.outcome.map(OutcomeName::as_str);
    let found = bulk::list_items(tx, wanted.id, outcome, wanted.after, wanted.limit + 1).await;
    found.map_err(|error| match error.code() {
        Some("not_found") => anyhow::anyhow!("there is no run {}", wanted.id).into(),
        _ => error,
    })
}

pub fn show(found: &[Item], wanted: &Results, json: bool) -> Outcome {
    let limit = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let shown = found.get(..limit).unwrap_or(found);
    if json {
        return Ok(output::json(&shown)?);
    }
    let row = |item: &Item| {
        let code = item.code.as_deref().map(|code| format!("{code}: ")).unwrap_or_default();
        vec![
            item.position.to_string(),
            item.user_id.to_string(),
            item.username.clone().unwrap_or_else(|| "-".to_owned()),
            item.outcome.as_deref().unwrap_or("to do").to_owned(),
            format!("{code}{}", item.detail.as_deref().unwrap_or_default()),
        ]
    };
    let nobody = "There are no such users in this run.";
    output::table(&["position", "id", "user name", "outcome", "why"], shown.iter().map(row).collect(), nobody);
    if let (true, Some(last)) = (found.len() > limit, shown.last()) {
        output::say(format!("(more: --after {}, or --limit)", last.position));
    }
    Ok(())
}
