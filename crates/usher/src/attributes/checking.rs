//! Looking through users for those whose attributes do not fit a schema, some at a time.

use serde_json::Value;

use super::store::{self, Progress, UserRow};
use super::{Offender, Schema};
use crate::db::{DbResult, Tx};
use crate::error::Rejection;
use crate::id::UserId;

/// Users at a time.
pub const BATCH: i64 = 1000;
/// Offenders that are named.
pub const NAMED_MAX: usize = 20;

/// Attributes that fit in another form: times are kept in one.
#[derive(Default)]
pub struct Fixes {
    ids: Vec<UserId>,
    before: Vec<Value>,
    after: Vec<Value>,
}

impl Fixes {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub async fn write(&self, tx: &mut Tx) -> DbResult<()> {
        if !self.is_empty() {
            store::update_normalized(tx, &self.ids, &self.before, &self.after).await?;
        }
        Ok(())
    }
}

/// Looks at the next users. `None` when there are no more.
pub async fn check_batch(tx: &mut Tx, schema: &Schema, progress: &mut Progress) -> DbResult<Option<Fixes>> {
    let users = store::list_users(tx, progress.position, BATCH).await?;
    let Some(last) = users.last().map(|user| user.id) else { return Ok(None) };
    let mut fixes = Fixes::default();
    progress.checked += i64::try_from(users.len()).unwrap_or_default();
    for user in users {
        check(schema, user, progress, &mut fixes);
    }
    progress.position = Some(last);
    Ok(Some(fixes))
}

fn check(schema: &Schema, user: UserRow, progress: &mut Progress, fixes: &mut Fixes) {
    let mut attributes = user.attributes.clone();
    schema.normalize(&mut attributes);
    let faults = schema.faults(&attributes);
    if faults.is_empty() {
        if attributes != user.attributes {
            fixes.ids.push(user.id);
            fixes.before.push(Value::Object(user.attributes));
            fixes.after.push(Value::Object(attributes));
        }
        return;
    }
    progress.violating += 1;
    for fault in faults {
        if progress.offenders.len() >= NAMED_MAX {
            return;
        }
        let is_unknown = fault.code == "unknown_field";
        let detail = if is_unknown { DROPPED.to_owned() } else { fault.detail };
        progress.offenders.push(Offender {
            user_id: user.id,
            username: user.username.clone(),
            pointer: fault.pointer.unwrap_or_default(),
            code: fault.code.into_owned(),
            detail,
        });
    }
}

const DROPPED: &str = "is not in the schema: rename it or remove it with POST /v1/attribute-schema/migrations";

/// The refusal of a schema that users do not fit.
pub fn violated(violating: i64, offenders: &[Offender]) -> Rejection {
    let detail =
        format!("{violating} users do not fit the schema; `offenders` names the first. Mend their attributes, or the schema.");
    Rejection::conflict("attribute_schema_violated", detail)
        .with("violating", violating)
        .with("offenders", serde_json::to_value(offenders).unwrap_or_default())
}
