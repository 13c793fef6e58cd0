//! What a dashboard shows: it is looked at more often than it changes, and counting reads every user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Analytics, Range, read};
use crate::app::App;
use crate::db::Origin;
use crate::error::{AppResult, LogAndIgnore};

/// What is older is counted anew, beside the answer.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(1);
/// What is older is not shown.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Of each length of a period there is one a day.
const KEPT_MAX: usize = 12;

/// The counts of this process, each with when somebody last began to count it.
#[derive(Default)]
struct Recent(Mutex<HashMap<Range, (Timestamp, Arc<Analytics>)>>);

/// Counts as they were at `counted_at`. Only who asks as the first in an hour waits.
pub async fn recent(app: &App, origin: &Origin, range: Range) -> AppResult<Arc<Analytics>> {
    let now = app.clock.now();
    if let Some((found, is_stale)) = find(app, range, now) {
        if is_stale {
            let (app, origin) = (app.clone(), origin.clone());
            tokio::spawn(async move { renew(&app, &origin, range).await.log_and_ignore("the counts of before are shown") });
        }
        return Ok(found);
    }
    renew(app, origin, range).await
}

/// What is kept, and whether this caller is to count anew.
fn find(app: &App, range: Range, now: Timestamp) -> Option<(Arc<Analytics>, bool)> {
    let recent = app.kept::<Recent>();
    let mut kept = recent.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (begun_at, found) = kept.get_mut(&range)?;
    let age = |since: Timestamp| now.duration_since(since);
    if age(found.counted_at) >= SHOWN_FOR {
        return None;
    }
    let is_stale = age(*begun_at) >= FRESH_FOR;
    if is_stale {
        *begun_at = now;
    }
    Some((Arc::clone(found), is_stale))
}

async fn renew(app: &App, origin: &Origin, range: Range) -> AppResult<Arc<Analytics>> {
    let counted = Arc::new(read(app, origin, range).await?);
    let recent = app.kept::<Recent>();
    let mut kept = recent.0.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT_MAX {
        kept.clear();
    }
    kept.insert(range, (counted.counted_at, Arc::clone(&counted)));
    Ok(counted)
}
