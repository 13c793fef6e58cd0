//! Judging the rows of an import, batch by batch: nothing of a user is touched.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::apply::Step;
use super::judge::{self, Known, Verdict};
use super::store::{self, Due, Judged};
use super::{Class, Options, State, keys};
use crate::app::App;
use crate::attributes;
use crate::audit::{self, Event};
use crate::db::{Actor, Tx};
use crate::emails::EmailAddress;
use crate::error::AppResult;
use crate::id::UserId;
use crate::users;

/// Rows that one transaction judges.
const BATCH: i64 = 1000;

/// Judges the next batch.
pub async fn step(app: &App, id: Uuid) -> AppResult<Step> {
    let mut tx = app.begin_as(Actor::System).await?;
    let Some(run) = store::lock_running(&mut tx, id).await?.filter(|run| run.state == State::Classifying) else {
        // Ended here and now: whoever comes next must not find its lock.
        tx.commit().await?;
        return Ok(Step::Over);
    };
    let Some(by) = run.authority(&mut tx).await? else {
        let why = "whoever began it may not do this any more";
        store::update_to_ended(&mut tx, id, State::Failed, Some(why)).await?;
        audit::record(&mut tx, Event::failure("import.finished").on("import", id).detail("why", why)).await?;
        tx.commit().await?;
        return Ok(Step::Over);
    };
    let Some(window) = run.window(BATCH) else {
        store::update_to_ready(&mut tx, id, &new_token()).await?;
        tx.commit().await?;
        return Ok(Step::Over);
    };
    let last = window.end - 1;
    let due = store::list_unjudged(&mut tx, id, window).await?;
    let keys: Vec<(String, i64)> =
        due.iter().flat_map(|due| judge::keys(&due.record).into_iter().map(|key| (key, due.position))).collect();
    let taken = keys::insert(&mut tx, id, &keys).await?;
    let mut known = find_known(&mut tx, &run.options, &due, Lock::Nobody).await?;
    let mut judged: Vec<Judged> = Vec::with_capacity(due.len());
    let mut moved = Vec::with_capacity(due.len());
    for due in &due {
        let own = judge::keys(&due.record).into_iter().map(|key| (key, due.position));
        known.taken_keys = own.filter_map(|key| Some((key.0.clone(), *taken.get(&key)?))).collect();
        let verdict = known.judge(by, &run.options, &due.record);
        moved.push(known.roles_moved_by(&due.record, &verdict));
        judged.push(judged_as(due.position, verdict));
    }
    refuse_doubles(&mut tx, id, &mut judged).await?;
    note_roles(&mut tx, id, &judged, moved).await?;
    store::update_rows(&mut tx, id, &judged).await?;
    store::update_position(&mut tx, id, last, run.kept_at(last, &due, &judged)).await?;
    tx.commit().await?;
    Ok(Step::More)
}

/// Says that this very preview was seen.
fn new_token() -> String {
    Uuid::from_bytes(crate::secret::random_bytes()).simple().to_string()
}

fn judged_as(position: i64, verdict: Verdict) -> Judged {
    let none = Judged { position, class: None, user_id: None, changes: None, faults: Vec::new(), outcome: None };
    match verdict {
        Verdict::Create => Judged { class: Some(Class::Create), ..none },
        Verdict::Update { user_id, changes } => {
            Judged { class: Some(Class::Update), user_id: Some(user_id), changes: Some(changes), ..none }
        }
        Verdict::Unchanged { user_id } => Judged { class: Some(Class::Unchanged), user_id: Some(user_id), ..none },
        Verdict::Conflict(faults) => Judged { class: Some(Class::Conflict), faults, ..none },
    }
}

/// Two rows about one user contradict each other, even if they name them differently.
async fn refuse_doubles(tx: &mut Tx, id: Uuid, judged: &mut [Judged]) -> AppResult<()> {
    let keys: Vec<(String, i64)> = judged.iter().filter_map(|row| Some((format!("m:{}", row.user_id?), row.position))).collect();
    let taken = keys::insert(tx, id, &keys).await?;
    for row in judged {
        let key = row.user_id.map(|user| (format!("m:{user}"), row.position));
        if let Some(line) = key.and_then(|key| taken.get(&key)) {
            let detail = format!("The row in line {line} is about the same user.");
            let fault = super::Fault::new("", "duplicate_in_file", detail);
            *row = judged_as(row.position, Verdict::Conflict(vec![fault]));
        }
    }
    Ok(())
}

/// Notes which roles come or go with the rows that can be applied: whoever applies them may have to prove who they are.
async fn note_roles(tx: &mut Tx, id: Uuid, judged: &[Judged], moved: Vec<Vec<String>>) -> AppResult<()> {
    let to_apply = judged.iter().zip(moved).filter(|(row, _)| row.class != Some(Class::Conflict));
    let roles: BTreeSet<String> = to_apply.flat_map(|(_, roles)| roles).collect();
    if !roles.is_empty() {
        store::update_roles(tx, id, roles.into_iter().collect()).await?;
    }
    Ok(())
}

/// Whether those whom the rows are about are locked for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Nobody,
    Users,
}

/// What the rows meet.
pub async fn find_known(tx: &mut Tx, options: &Options, due: &[Due], lock: Lock) -> AppResult<Known> {
    let mut known = Known { rules: Some(attributes::lock(tx).await?), ..Known::default() };
    let addresses: Vec<&str> = due.iter().flat_map(|due| due.record.addresses().map(EmailAddress::normal)).collect();
    let usernames: Vec<String> =
        due.iter().filter_map(|due| Some(due.record.username.as_ref()?.as_str().to_lowercase())).collect();
    known.addresses = store::list_holders(tx, &addresses).await?;
    known.usernames = store::list_usernames(tx, &usernames).await?;
    store::fill_roles(tx, &mut known).await?;
    let mut ids: Vec<UserId> = known.addresses.values().map(|holder| holder.user_id).collect();
    ids.extend(known.usernames.values());
    ids.extend(due.iter().filter_map(|due| due.record.id));
    ids.sort_unstable_by_key(|id| id.uuid());
    ids.dedup();
    let users = match lock {
        Lock::Nobody => users::find_many(tx, &ids).await?,
        Lock::Users => {
            // Only those who may be changed are worth waiting for.
            for user in users::find_many(tx, &ids).await? {
                known.users.insert(user.id, user);
            }
            let found: Vec<UserId> = due.iter().filter_map(|due| known.find(&due.record, options)).collect();
            let locked = users::lock_many(tx, &found).await?;
            match &known.rules {
                Some(rules) => users::move_first(tx, rules, &locked).await?.unwrap_or(locked),
                None => locked,
            }
        }
    };
    known.users.extend(users.into_iter().map(|user| (user.id, user)));
    Ok(known)
}
