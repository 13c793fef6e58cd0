//! The SQL of what is followed. It reads tables of others and owns none.

use std::collections::HashMap;

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Followed, Progress, Standing};
use crate::db::DbResult;
use crate::db::lanes::Pipeline;

/// As many as a page of a list shows.
const NEWEST: i64 = 25;

/// How all of these stand, by how they are called. One that is not there is left out.
pub async fn list_standings(pipeline: &Pipeline, followed: &[Followed]) -> DbResult<HashMap<String, Standing>> {
    let runs: Vec<Uuid> = followed.iter().filter_map(|one| if let Followed::Run(id) = one { Some(*id) } else { None }).collect();
    let imports: Vec<Uuid> =
        followed.iter().filter_map(|one| if let Followed::Import(id) = one { Some(*id) } else { None }).collect();
    let has = |wanted| followed.contains(&wanted);
    let (all_runs, all_imports, queues) = (has(Followed::Runs), has(Followed::Imports), has(Followed::Queues));
    let sql = "
        select 'bulk:' || id as name, state, position, total, state || '-' || position || '-' || total as mark
        from bulk_runs
        where id = any($1)
        union all
        select 'import:' || id, state, position, total, state || '-' || position || '-' || total
        from imports
        where id = any($2)
        union all
        select 'bulk', null, null, null, hashtextextended(coalesce(string_agg(mark, ','), ''), 0)::text
        from (
            select id || state || position as mark
            from bulk_runs
            order by created_at desc, id desc
            limit $6
        ) newest
        having $3
        union all
        select 'imports', null, null, null, hashtextextended(coalesce(string_agg(mark, ','), ''), 0)::text
        from (
            select id || state || position as mark
            from imports
            order by created_at desc, id desc
            limit $6
        ) newest
        having $4
        union all
        select 'queues', null, null, null, (
            select concat_ws(
                '-', count(*) filter (where dead_at is null and unique_key is null), count(*) filter (where dead_at is not null)
            )
            from jobs
        ) || '-' || (
            select concat_ws(
                '-', count(*) filter (where status = 'queued'), count(*) filter (where status = 'held'),
                count(*) filter (where status = 'failed')
            )
            from mails
            where status <> 'sent'
        )
        where $5";
    let rows = pipeline.query(sql, &[&runs, &imports, &all_runs, &all_imports, &queues, &NEWEST]).await?;
    Ok(rows.iter().map(|row| (row.get("name"), standing(row))).collect())
}

fn standing(row: &Row) -> Standing {
    let state: Option<String> = row.get("state");
    let progress = state.map(|state| Progress { state, position: row.get("position"), total: row.get("total") });
    Standing { mark: row.get("mark"), progress }
}
