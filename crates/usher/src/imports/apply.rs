//! Applying an import, batch by batch: each a transaction that judges its rows again, does them, and writes down what came of each.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::classify::{Lock, find_known};
use super::judge::{self, Known, Verdict};
use super::record::{Record, Status};
use super::store::{self, Due, Judged};
use super::{Fault, Options, Running, State, keys};
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{Authority, UserStatus};
use crate::db::{Actor, Tx};
use crate::error::{AppError, AppResult, LogAndIgnore};
use crate::id::UserId;
use crate::mails::{self, Template};
use crate::password;
use crate::patch::Patch;
use crate::roles::{self, RoleName};
use crate::users::{self, Arrival, Arrived, ChangeOfStanding, Profile, User, Username};

/// Rows that one transaction applies: enough that the statements are few, and not so many that anybody waits long for an address.
const BATCH: i64 = 500;
/// Positions among which they are looked for: in a file of those who are there already, few rows have anything to apply.
const WINDOW: i64 = 2 * BATCH;

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    More,
    Over,
}

/// Applies the next batch. What fails for all is tried one by one, so that one row does not hold up the others.
pub async fn step(app: &App, id: Uuid) -> AppResult<Step> {
    let failure = match batch(app, id, BATCH).await {
        Ok(step) => return Ok(step),
        Err(error) => error,
    };
    tracing::warn!(import = %id, error = %failure, "a batch of an import failed; its rows are done one by one");
    for _ in 0..BATCH {
        match batch(app, id, 1).await {
            Ok(Step::More) => {}
            Ok(Step::Over) => return Ok(Step::Over),
            Err(error) => skip(app, id, &error).await?,
        }
    }
    Ok(Step::More)
}

async fn batch(app: &App, id: Uuid, size: i64) -> AppResult<Step> {
    let mut tx = app.begin_as(Actor::System).await?;
    let Some(run) = store::lock_running(&mut tx, id).await?.filter(|run| run.state == State::Running) else {
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
    let now = tx.now();
    tx.go_on_for(run.origin(), now);
    let Some(window) = run.window(WINDOW) else {
        finish(&mut tx, &run).await?;
        tx.commit().await?;
        return Ok(Step::Over);
    };
    let end = window.end - 1;
    let due = store::list_due(&mut tx, id, window, size).await?;
    // Where there were no more, the rest of the window is done.
    let last = due.last().filter(|_| i64::try_from(due.len()) == Ok(size)).map_or(end, |due| due.position);
    let mut done = Vec::new();
    // In a file of those who are there already, most windows have nothing to apply.
    if !due.is_empty() {
        done = apply(&mut tx, by, &run, &due).await?;
        store::update_rows(&mut tx, id, &done).await?;
        let keys: Vec<String> = due.iter().flat_map(|due| judge::keys(&due.record)).collect();
        keys::delete(&mut tx, id, &keys).await?;
    }
    store::update_position(&mut tx, id, last, run.kept_at(last, &due, &done)).await?;
    tx.commit().await?;
    Ok(Step::More)
}

async fn finish(tx: &mut Tx, run: &Running) -> AppResult<()> {
    store::update_to_ended(tx, run.id, State::Finished, None).await?;
    let mut event = Event::success("import.finished").on("import", run.id);
    // Rows that would have to be counted now may be too many for a statement: the import ends all the same.
    if let Some(kept) = run.kept {
        event = event.detail("counts", serde_json::to_value(kept.counts)?);
    }
    audit::record(tx, event).await?;
    Ok(())
}

/// The next row can't be done, and not for a reason of its own: it is noted, and the import goes on. A failure that may pass, such
/// as a database that is away, is met again here and ends the step: the job is tried later.
async fn skip(app: &App, id: Uuid, error: &AppError) -> AppResult<()> {
    tracing::error!(import = %id, %error, "a row of an import was left out");
    let mut tx = app.begin_as(Actor::System).await?;
    let Some(run) = store::lock_running(&mut tx, id).await? else { return Ok(()) };
    let Some(window) = run.window(WINDOW) else { return Ok(()) };
    let due = store::list_due(&mut tx, id, window, 1).await?;
    if let Some(Due { position, .. }) = due.first() {
        let fault = match error {
            AppError::Rejected(rejection) => Fault::new("", rejection.code, rejection.detail.clone()),
            AppError::Internal(_) => Fault::new("", "internal", "The server failed; its log says why."),
        };
        let failed = [came_to(*position, "failed", None, vec![fault])];
        store::update_rows(&mut tx, id, &failed).await?;
        store::update_position(&mut tx, id, *position, run.kept_at(*position, &due, &failed)).await?;
    }
    tx.commit().await.log_and_ignore("the row is tried again");
    Ok(())
}

fn came_to(position: i64, outcome: &'static str, user_id: Option<UserId>, faults: Vec<Fault>) -> Judged {
    Judged { position, class: None, user_id, changes: None, faults, outcome: Some(outcome) }
}

async fn apply(tx: &mut Tx, by: Authority, run: &Running, due: &[Due]) -> AppResult<Vec<Judged>> {
    let options = &run.options;
    let mut known = find_known(tx, options, due, Lock::Users).await?;
    known.foretold = run.foretold();
    let mut done = Vec::with_capacity(due.len());
    let (mut new, mut profiles) = (Vec::new(), Vec::new());
    for Due { position, record, .. } in due {
        match known.judge(by, options, record) {
            Verdict::Create => new.push((*position, record)),
            Verdict::Unchanged { user_id } => done.push(came_to(*position, "unchanged", Some(user_id), Vec::new())),
            Verdict::Conflict(faults) => done.push(came_to(*position, "conflict", None, faults)),
            Verdict::Update { user_id, changes } if is_of_the_profile(&changes) => profiles.push((*position, record, user_id)),
            Verdict::Update { user_id, .. } => done.push(update(tx, by, &known, *position, record, user_id).await?),
        }
    }
    if !profiles.is_empty() {
        done.extend(update_profiles(tx, by, &known, &profiles).await?);
    }
    done.extend(create_or_not(tx, by, options, &known, &new).await?);
    Ok(done)
}

/// A value that somebody else has, and that is to be unique, stands in the way of its row only.
async fn create_or_not(
    tx: &mut Tx,
    by: Authority,
    options: &Options,
    known: &Known,
    rows: &[(i64, &Record)],
) -> AppResult<Vec<Judged>> {
    let mut done = Vec::with_capacity(rows.len());
    tx.execute("savepoint new", &[]).await?;
    match create(tx, by, options, known, rows).await {
        Err(AppError::Rejected(rejection)) => {
            tx.execute("rollback to savepoint new", &[]).await?;
            for row in rows {
                let fault = Fault::new("attributes", rejection.code, rejection.detail.clone());
                tx.execute("savepoint new", &[]).await?;
                match create(tx, by, options, known, std::slice::from_ref(row)).await {
                    Ok(one) => done.extend(one),
                    Err(AppError::Rejected(_)) => {
                        tx.execute("rollback to savepoint new", &[]).await?;
                        done.push(came_to(row.0, "conflict", None, vec![fault]));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        other => done.extend(other?),
    }
    Ok(done)
}

async fn create(tx: &mut Tx, by: Authority, options: &Options, known: &Known, rows: &[(i64, &Record)]) -> AppResult<Vec<Judged>> {
    let arrivals: Vec<Arrival> = rows.iter().map(|(_, record)| arrival(tx, options, known, record)).collect();
    let arrived = users::create_many(tx, by, &arrivals).await.map_err(|error| match &known.rules {
        Some(rules) => rules.explain(error),
        None => error,
    })?;
    let mut hashes = Vec::new();
    let mut done = Vec::with_capacity(rows.len());
    for ((position, record), arrived) in rows.iter().zip(arrived) {
        let conflict = |field, code| {
            let fault = Fault::new(field, code, "belongs to another user since a moment ago");
            came_to(*position, "conflict", None, vec![fault])
        };
        done.push(match arrived {
            Arrived::NameTaken => conflict("username", "username_taken"),
            Arrived::AddressTaken => conflict("email", "email_taken"),
            Arrived::Created(user) => {
                match &record.password_hash {
                    Some(hash) => hashes.push((user.id, hash.as_str())),
                    None if options.invite && user.status != UserStatus::Suspended => {
                        mails::request(tx, Template::Welcome, user.id).await?;
                    }
                    None => {}
                }
                came_to(*position, "done", Some(user.id), Vec::new())
            }
        });
    }
    password::set_many(tx, &hashes).await?;
    Ok(done)
}

fn arrival(tx: &Tx, options: &Options, known: &Known, record: &Record) -> Arrival {
    let verified = record.email_verified.unwrap_or(false);
    let mut profile = Profile::default();
    record.profile_patch().apply(&mut profile);
    let mut professional_at = None;
    record.professional_at.clone().apply(&mut professional_at);
    let primary = record.email.iter().map(|address| (address.clone(), verified));
    let others = record.other_emails.iter().map(|address| (address.clone(), true));
    let unverified = record.unverified_emails.iter().map(|address| (address.clone(), false));
    Arrival {
        id: record.id.filter(|_| options.keep_ids).unwrap_or_else(|| UserId::new(tx.now())),
        username: record.username.clone().unwrap_or_else(Username::generate),
        status: match record.status {
            Some(Status::Suspended) => UserStatus::Suspended,
            _ if verified => UserStatus::Active,
            _ => UserStatus::Pending,
        },
        profile,
        professional_at,
        attributes: known.fit(record.attributes.clone().unwrap_or_default()).unwrap_or_default(),
        roles: record.roles.clone().unwrap_or_else(|| vec![roles::USER.to_owned()]),
        role_ends: record.role_ends.clone().unwrap_or_default(),
        addresses: primary.chain(others).chain(unverified).collect(),
        created_at: record.created_at.unwrap_or_else(|| tx.now()),
        last_sign_in_at: record.last_sign_in_at,
        takes_addresses: record.vouches(),
    }
}

/// Whether a change is of nothing but profile and attributes: those of many are made with one statement.
fn is_of_the_profile(changes: &Value) -> bool {
    const OTHERS: [&str; 5] = ["username", "professional_at", "roles", "role_ends", "status"];
    changes.as_object().is_some_and(|changes| OTHERS.iter().all(|name| !changes.contains_key(*name)))
}

/// A value that somebody else has, and that is to be unique, stands in the way of its row only.
async fn update_profiles(tx: &mut Tx, by: Authority, known: &Known, rows: &[(i64, &Record, UserId)]) -> AppResult<Vec<Judged>> {
    let Some(rules) = &known.rules else { return Err(anyhow::anyhow!("the attribute schema was not looked up").into()) };
    let updated = |(_, record, user_id): &(i64, &Record, UserId)| {
        let before = known.users.get(user_id)?;
        let after = users::updated(before, record.profile_patch(), attributes_change(record, before), rules).ok()?;
        Some((before, after))
    };
    if let Some(updates) = rows.iter().map(updated).collect::<Option<Vec<_>>>() {
        tx.execute("savepoint profiles", &[]).await?;
        match users::update_many(tx, rules, &updates).await {
            Ok(()) => {
                let done =
                    |(position, _, user_id): &(i64, &Record, UserId)| came_to(*position, "done", Some(*user_id), Vec::new());
                return Ok(rows.iter().map(done).collect());
            }
            Err(AppError::Rejected(_)) => tx.execute("rollback to savepoint profiles", &[]).await?,
            Err(error) => return Err(error),
        };
    }
    // What does not fit is refused with its reason when it is tried by itself.
    let mut done = Vec::with_capacity(rows.len());
    for (position, record, user_id) in rows {
        done.push(update(tx, by, known, *position, record, *user_id).await?);
    }
    Ok(done)
}

/// Refused, it leaves no trace in the transaction.
async fn update(tx: &mut Tx, by: Authority, known: &Known, position: i64, record: &Record, user_id: UserId) -> AppResult<Judged> {
    let Some(user) = known.users.get(&user_id) else { return Ok(came_to(position, "conflict", None, Vec::new())) };
    tx.execute("savepoint one", &[]).await?;
    match change(tx, by, record, user).await {
        Ok(()) => Ok(came_to(position, "done", Some(user_id), Vec::new())),
        Err(AppError::Rejected(rejection)) => {
            tx.execute("rollback to savepoint one", &[]).await?;
            let fault = Fault::new("", rejection.code, rejection.detail);
            Ok(came_to(position, "conflict", Some(user_id), vec![fault]))
        }
        Err(error) => Err(error),
    }
}

/// What the row changes of the attributes.
fn attributes_change(record: &Record, user: &User) -> Patch<Map<String, Value>> {
    match judge::attributes_patch(record) {
        Patch::Set(patch) if users::merged(&user.attributes, &patch) != Value::Object(user.attributes.clone()) => {
            Patch::Set(patch)
        }
        _ => Patch::Keep,
    }
}

/// The changes that one makes by hand, one after the other.
async fn change(tx: &mut Tx, by: Authority, record: &Record, user: &User) -> AppResult<()> {
    let mut user = user.clone();
    let username = record.username.as_ref().filter(|username| username.as_str() != user.username);
    let attributes = attributes_change(record, &user);
    let mut profile = user.profile.clone();
    record.profile_patch().apply(&mut profile);
    if username.is_some() || attributes != Patch::Keep || profile != user.profile {
        user = users::update(tx, &user, username, record.profile_patch(), attributes).await?;
    }
    let mut at = user.professional_at;
    record.professional_at.clone().apply(&mut at);
    if at != user.professional_at {
        user = users::restore_professional(tx, &user, at).await?;
    }
    if let Some(roles) = &record.roles {
        let ends = record.role_ends.as_ref().filter(|ends| **ends != user.role_ends);
        let names: Vec<RoleName> = roles.iter().map(|name| RoleName::from(name.as_str())).collect();
        if let Some(ends) = ends {
            user = users::set_roles_with_ends(tx, by, &user, &names, ends).await?;
        } else if *roles != user.roles {
            user = users::set_roles(tx, by, &user, &names).await?;
        }
    }
    match record.status {
        Some(Status::Suspended) if user.status != UserStatus::Suspended => {
            users::change_standing(tx, &user, ChangeOfStanding::Suspend).await?;
        }
        Some(Status::Active | Status::Pending) if user.status == UserStatus::Suspended => {
            users::change_standing(tx, &user, ChangeOfStanding::Reactivate).await?;
        }
        _ => {}
    }
    Ok(())
}
