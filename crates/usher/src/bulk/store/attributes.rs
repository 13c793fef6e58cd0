//! What would come of attributes that a run sets, as far as PostgreSQL can tell.

use std::fmt::Write;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::attributes::Schema;
use crate::attributes::sql::expression_of;
use crate::db::{Conditions, DbResult, Tx};

/// The cases of a user `u`: who is in the recycle bin, who has all of it already, and whose value belongs to somebody else.
pub fn verdict_of_attributes(patch: &Map<String, Value>, schema: &Schema, into: &mut Conditions) -> String {
    let (gone, mut set): (Map<_, _>, Map<_, _>) = patch.clone().into_iter().partition(|(_, value)| value.is_null());
    let gone: Vec<String> = gone.into_iter().map(|(name, _)| name).collect();
    schema.normalize(&mut set);
    let mut cases = "when u.status = 'deleted' then 'invalid_state'".to_owned();
    // A merge patch goes on inside of objects, and a migration may have moved what it is about.
    if !schema.is_moving() && !set.values().any(Value::is_object) {
        let (set, gone) = (into.bind(Value::Object(set.clone())), into.bind(gone));
        let _written = write!(cases, " when (u.attributes || {set}::jsonb) - {gone}::text[] = u.attributes then 'unchanged'");
    }
    for property in schema.unique_among(&set) {
        let given = into.bind(Value::Object(set.clone()));
        let (theirs, given) = (expression_of("o.attributes", property), expression_of(&format!("{given}::jsonb"), property));
        let taken = format!("exists (select from users o where o.id <> u.id and {theirs} = {given})");
        let _written = write!(cases, " when {taken} then 'attribute_taken'");
    }
    cases
}

/// Of those who would get a value that only one can have, the first gets it. Says how many others there are.
pub async fn spare_a_unique_value(tx: &mut Tx, id: Uuid) -> DbResult<i64> {
    let sql = "
        update bulk_items
        set outcome = 'refused', code = 'attribute_taken'
        where run_id = $1 and outcome is null
            and position > (select min(position) from bulk_items where run_id = $1 and outcome is null)";
    Ok(i64::try_from(tx.execute(sql, &[&id]).await?).unwrap_or_default())
}
