//! The SQL of counts: those that are kept, and counting the rows of an import whose counts are not.

use jiff::Timestamp;
use tokio_postgres::Row as SqlRow;

use crate::db::{DbResult, Tx};
use crate::imports::counts::{Kept, passed};
use crate::imports::{Class, Import};

/// The counts that are kept with an import, if they are true.
pub fn kept(import: &SqlRow) -> Option<Kept> {
    let has_begun = import.get::<_, Option<Timestamp>>("started_at").is_some();
    Kept::read(import.get("counts"), passed(import.get("position"), import.get("total"), has_begun))
}

/// Counts the rows of an import that the release before has worked on: each of them is read.
pub async fn count_rows(tx: &mut Tx, import: &mut Import) -> DbResult<()> {
    let sql = "
        select class, outcome, count(*),
            count(*) filter (where class = 'create' and $2 and not record ? 'password_hash')
                + count(*) filter (where class = 'update' and changes ? 'username')
        from import_rows
        where import_id = $1
        group by class, outcome";
    for row in tx.query(sql, &[&import.id, &import.options.invite]).await? {
        let (class, outcome): (Option<&str>, Option<&str>) = (row.get(0), row.get(1));
        *import.counts.of(class.and_then(Class::parse), outcome) += row.get::<_, i64>(2);
        if outcome.is_none() {
            import.mails += row.get::<_, i64>(3);
        }
    }
    Ok(())
}
