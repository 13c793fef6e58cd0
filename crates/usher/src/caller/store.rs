//! Reads what the gate needs to know. Joins tables of several features; writes none.

use tokio_postgres::Row;

use super::{PermissionSet, SessionStanding, Standing, Subject, UserStatus};
use crate::db::lanes::ReadLane;
use crate::db::{DbResult, Tx};
use crate::id::{SessionId, UserId};

const FIND_BY_SESSION: &str = "
    select
        s.id,
        s.auth_epoch as session_epoch,
        s.created_at as began_at,
        s.expires_at,
        s.ended_at,
        u.id as user_id,
        u.status,
        coalesce(u.deleted_by = u.id, false) as deleted_by_self,
        u.locked_until,
        u.auth_epoch,
        exists (
            select from emails e
            where e.user_id = u.id and e.is_primary and e.verified_at is not null
        ) as email_verified,
        array(
            select unnest(r.permissions)
            from user_roles ur
            join roles r on r.name = ur.role_name
            where ur.user_id = u.id
        ) as permissions
    from sessions s
    join users u on u.id = s.user_id
    where s.id = any($1)";

const FIND_STANDING: &str = "
    select
        u.id as user_id,
        u.status,
        coalesce(u.deleted_by = u.id, false) as deleted_by_self,
        u.locked_until,
        u.auth_epoch,
        exists (
            select from emails e
            where e.user_id = u.id and e.is_primary and e.verified_at is not null
        ) as email_verified,
        array(
            select unnest(r.permissions)
            from user_roles ur
            join roles r on r.name = ur.role_name
            where ur.user_id = u.id
        ) as permissions
    from users u
    where u.id = $1";

pub async fn find_by_session(lane: &ReadLane, id: SessionId) -> DbResult<Option<(Standing, SessionStanding)>> {
    let Some(row) = lane.find(FIND_BY_SESSION, id.uuid()).await? else { return Ok(None) };
    let session = SessionStanding {
        id: row.get("id"),
        auth_epoch: row.get("session_epoch"),
        began_at: row.get("began_at"),
        expires_at: row.get("expires_at"),
        ended_at: row.get("ended_at"),
    };
    Ok(Some((standing(&row), session)))
}

pub async fn find_standing(tx: &mut Tx, id: UserId) -> DbResult<Option<Standing>> {
    Ok(tx.query_opt(FIND_STANDING, &[&id]).await?.as_ref().map(standing))
}

fn standing(row: &Row) -> Standing {
    let permissions: Vec<&str> = row.get("permissions");
    Standing {
        subject: Subject::User(row.get("user_id")),
        // A status of a later release is none that may act.
        status: UserStatus::parse(row.get("status")).unwrap_or(UserStatus::Suspended),
        deleted_by_self: row.get("deleted_by_self"),
        email_verified: row.get("email_verified"),
        locked_until: row.get("locked_until"),
        auth_epoch: row.get("auth_epoch"),
        permissions: PermissionSet::from_names(&permissions),
    }
}
