//! Users who are chosen one by one, on as many pages as one likes. The choice is kept nowhere: a page that is sent on carries it.

use serde::Serialize;

use super::events;
use super::staff::Staff;
use crate::app::App;
use crate::error::{AppResult, Rejection};
use crate::html::Members;
use crate::id::UserId;

/// As many as can be chosen one by one.
pub const MOST: usize = 1000;
/// As many are shown by name.
const NAMED: usize = 100;

/// Ids, in the order in which they were chosen.
#[derive(Default)]
pub struct Choice {
    ids: Vec<UserId>,
    /// So many were more than can be.
    left_out: usize,
}

impl Choice {
    /// What was carried here, without whom the page has shown; of those, who is ticked.
    pub fn of(members: &Members) -> Result<Self, Rejection> {
        let shown = read(members.text("shown"))?;
        let dropped = read(members.text("drop"))?;
        let mut ids = read(members.text("carried"))?;
        ids.retain(|id| !shown.contains(id));
        for ticked in members.ticked("user.") {
            ids.extend(read(ticked)?.into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
        }
        ids.retain(|id| !dropped.contains(id));
        let left_out = ids.len().saturating_sub(MOST);
        ids.truncate(MOST);
        Ok(Self { ids, left_out })
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn left_out(&self) -> usize {
        self.left_out
    }

    pub fn has(&self, id: UserId) -> bool {
        self.ids.contains(&id)
    }

    /// As a page carries it on.
    pub fn joined(&self) -> String {
        self.ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    pub async fn show(&self, app: &App, staff: &Staff) -> AppResult<Option<Shown>> {
        if self.is_empty() {
            return Ok(None);
        }
        let named = &self.ids[..self.ids.len().min(NAMED)];
        let mut tx = staff.begin(app).await?;
        let mut called = events::find_names(&mut tx, staff, named).await?;
        tx.commit().await?;
        let chosen = named.iter().map(|id| {
            let id = id.to_string();
            Chosen { name: called.remove(&id), id }
        });
        Ok(Some(Shown {
            named: chosen.collect(),
            more: self.ids.len() - named.len(),
            count: self.ids.len(),
            left_out: self.left_out,
            most: MOST,
            carried: self.joined(),
        }))
    }
}

fn read(ids: &str) -> Result<Vec<UserId>, Rejection> {
    let found: Result<Vec<UserId>, _> = ids.split(',').filter(|id| !id.is_empty()).map(str::parse).collect();
    found.map_err(|_| Rejection::bad_request("malformed_request", "These are no users. Choose them in the list again."))
}

/// The choice as a page shows it.
#[derive(Serialize)]
pub struct Shown {
    count: usize,
    named: Vec<Chosen>,
    more: usize,
    left_out: usize,
    most: usize,
    carried: String,
}

#[derive(Serialize)]
struct Chosen {
    id: String,
    /// Of whoever may be seen.
    name: Option<String>,
}
