//! Renaming and removing attributes. The schema that comes of it is in force at once; a job moves the rows, some at a time, and
//! until it has come to a row, whoever reads or writes that one moves it first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checking::BATCH;
use super::{Document, Rules, Schema, assemble, changes, inspect, jobs, moving, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{Actor, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::{UserId, new_uuid};

/// Users that a preview names.
const SAMPLE_MAX: i64 = 5;

/// What is done to every user's attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AttributeOperation")]
pub enum Operation {
    /// A property of the schema gets another name.
    Rename(Rename),
    /// The attribute of this name goes, and the property with it.
    Remove(#[schemars(length(min = 1, max = 200))] String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AttributeRename")]
pub struct Rename {
    #[schemars(length(max = 63))]
    pub from: String,
    #[schemars(length(max = 63))]
    pub to: String,
}

/// What an operation comes to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeOperationPreview")]
pub struct Preview {
    pub operation: Operation,
    /// How many users have the attribute.
    pub users: i64,
    /// The first of them.
    pub sample: Vec<Holder>,
}

/// A user who has an attribute.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeHolder")]
pub struct Holder {
    pub user_id: UserId,
    pub username: String,
}

impl Operation {
    /// Moves what is under the old name. Done twice it does nothing more.
    pub fn apply(&self, attributes: &mut Map<String, Value>) {
        match self {
            Self::Rename(Rename { from, to }) => {
                if let Some(value) = attributes.remove(from) {
                    attributes.insert(to.clone(), value);
                }
            }
            Self::Remove(name) => {
                attributes.remove(name);
            }
        }
    }

    /// The attribute that it is about.
    pub(super) fn subject(&self) -> &str {
        match self {
            Self::Rename(rename) => &rename.from,
            Self::Remove(name) => name,
        }
    }
}

/// What the operations would do, and to whom.
pub async fn preview(tx: &mut Tx, operations: &[Operation]) -> AppResult<Vec<Preview>> {
    let rules = assemble(store::list_standing(tx).await?)?;
    plan(tx, &rules, operations).await?;
    let mut previews = Vec::new();
    for operation in operations {
        let users = store::count_holders(tx, operation.subject()).await?;
        let sample = store::list_holders(tx, operation.subject(), SAMPLE_MAX).await?;
        let sample = sample.into_iter().map(|(user_id, username)| Holder { user_id, username }).collect();
        previews.push(Preview { operation: operation.clone(), users, sample });
    }
    Ok(previews)
}

/// Does it: the schema at once, the rows by a job. The rules have been locked for it. What it does to users belongs to one change set:
/// that of the transaction, or one that begins here.
pub async fn begin(tx: &mut Tx, rules: &Rules, operations: &[Operation]) -> AppResult<()> {
    let document = plan(tx, rules, operations).await?.to_value();
    let operations = serde_json::to_value(operations)?;
    let version = store::insert_version(tx, &document, Some(&operations)).await?;
    store::update_to_in_force(tx, version).await?;
    changes::note_change(tx).await?;
    let event = Event::success("attribute_schema.migration_begun").on("attribute_schema", version);
    let event = event.changed(&rules.in_force.document.to_value(), &document);
    let event = event.detail("operations", operations).detail("values_kept", true);
    if tx.origin().change.is_some() {
        audit::record(tx, event).await?;
    } else {
        let change = new_uuid(tx.now());
        audit::begin_change(tx, change, event).await?;
    }
    jobs::request(tx).await
}

/// The schema after the operations, or what is wrong with them.
async fn plan(tx: &mut Tx, rules: &Rules, operations: &[Operation]) -> AppResult<Document> {
    refuse_under_way(rules)?;
    let mut document = rules.in_force.document.clone();
    let mut faults = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        if let Some(obstacle) = find_obstacle(tx, &document, operation).await? {
            let (member, detail) = obstacle.fault();
            faults.push(FieldError::at_pointer(format!("/operations/{at}/{member}"), "invalid", detail));
        } else {
            change(&mut document, operation);
        }
    }
    if !faults.is_empty() {
        return Err(Rejection::invalid_body(faults).into());
    }
    inspect::inspect(&document)?;
    Ok(document)
}

fn refuse_under_way(rules: &Rules) -> Result<(), Rejection> {
    if rules.is_moving() || rules.pending.is_some() { Err(changes::under_way()) } else { Ok(()) }
}

/// What keeps a property from getting another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    NoProperty,
    NoName,
    /// Another property has it.
    Taken,
    Unique,
    /// Users have an attribute of that name which is no property.
    Held,
}

impl Obstacle {
    fn fault(self) -> (&'static str, &'static str) {
        match self {
            Self::NoProperty => ("rename/from", "is no property of the schema"),
            Self::NoName => ("rename/to", "must be 1 to 63 letters, digits and underscores beginning with a letter"),
            Self::Taken => ("rename/to", "is the name of a property already"),
            Self::Unique => ("rename/from", "is unique, which the old index keeps: set it to `unique: false` first"),
            Self::Held => ("rename/to", "is an attribute that users have already: remove that one first"),
        }
    }
}

async fn find_obstacle(tx: &mut Tx, document: &Document, operation: &Operation) -> AppResult<Option<Obstacle>> {
    let Operation::Rename(Rename { from, to }) = operation else { return Ok(None) };
    let is_taken = |name: &String| name != from && name.eq_ignore_ascii_case(to);
    Ok(match document.properties.get(from) {
        None => Some(Obstacle::NoProperty),
        Some(_) if !inspect::is_name(to) => Some(Obstacle::NoName),
        Some(_) if from == to || document.properties.keys().any(is_taken) => Some(Obstacle::Taken),
        Some(rule) if rule.unique => Some(Obstacle::Unique),
        Some(_) => store::exists_holder(tx, to).await?.then_some(Obstacle::Held),
    })
}

fn change(document: &mut Document, operation: &Operation) {
    match operation {
        Operation::Remove(name) => {
            document.properties.shift_remove(name);
            document.required.retain(|required| required != name);
        }
        Operation::Rename(Rename { from, to }) => {
            if let Some(place) = document.properties.get_index_of(from) {
                rename(document, place, from, to);
            }
        }
    }
}

/// What renames back.
#[derive(Debug, Default)]
pub struct WayBack {
    pub operations: Vec<Operation>,
    /// Renames that can't be undone.
    pub obstacles: Vec<(Rename, Obstacle)>,
}

/// How the renames among the operations are undone, the last one first. One that is undone already is left out.
pub async fn way_back(tx: &mut Tx, operations: &[Operation]) -> AppResult<WayBack> {
    let rules = assemble(store::list_standing(tx).await?)?;
    refuse_under_way(&rules)?;
    let mut document = rules.in_force.document.clone();
    let mut back = WayBack::default();
    for (at, operation) in operations.iter().enumerate().rev() {
        let Operation::Rename(rename) = operation else { continue };
        let Rename { from, to } = rename;
        // A name that it had for a moment only is there neither before nor after.
        let was_between = operations[..at].iter().any(|earlier| matches!(earlier, Operation::Rename(other) if other.to == *from));
        let is_there = |name: &String| document.properties.contains_key(name);
        if !is_there(to) && (is_there(from) || was_between) {
            continue;
        }
        let reverse = Operation::Rename(Rename { from: to.clone(), to: from.clone() });
        if let Some(obstacle) = find_obstacle(tx, &document, &reverse).await? {
            back.obstacles.push((rename.clone(), obstacle));
        } else {
            change(&mut document, &reverse);
            back.operations.push(reverse);
        }
    }
    Ok(back)
}

fn rename(document: &mut Document, place: usize, from: &str, to: &str) {
    if let Some((_, rule)) = document.properties.shift_remove_index(place) {
        document.properties.shift_insert(place, to.to_owned(), rule);
    }
    for required in document.required.iter_mut().filter(|required| *required == from) {
        to.clone_into(required);
    }
}

/// Moves the rows that are left.
pub async fn go_on(app: &App, schema: &Schema) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    store::update_total(&mut tx, schema.version).await?;
    let begun = moving::find_origin(&mut tx, schema.version).await?;
    tx.commit().await?;
    loop {
        let mut tx = app.begin_as(Actor::System).await?;
        let Some(mut progress) = store::lock_progress(&mut tx, schema.version).await? else { return Ok(()) };
        if let Some((last, count)) = store::find_end_of_batch(&mut tx, progress.position, BATCH).await? {
            moving::move_batch(&mut tx, schema, &begun, progress.position, last).await?;
            progress.checked += count;
            progress.position = Some(last);
            store::update_progress(&mut tx, schema.version, &progress).await?;
            tx.commit().await?;
            continue;
        }
        tx.commit().await?;
        return finish(app, schema.version).await;
    }
}

async fn finish(app: &App, version: i64) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    store::lock_state(&mut tx).await?;
    store::update_done(&mut tx, version).await?;
    let mark = new_uuid(tx.now());
    store::update_mark(&mut tx, mark).await?;
    audit::record(&mut tx, Event::success("attribute_schema.migrated").on("attribute_schema", version)).await?;
    tx.commit().await?;
    Ok(())
}
