//! The SQL of requests.

use tokio_postgres::Row;

use super::request::Requester;
use super::{ApprovalRequest, Kind, NewRequest, State, Wanted};
use crate::db::{DbResult, Tx};
use crate::id::{ApprovalRequestId, UserId};

/// False when one of the kind waits already.
pub async fn insert_request(tx: &mut Tx, id: ApprovalRequestId, user_id: UserId, new: &NewRequest) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        insert into approval_requests (id, kind, user_id, message, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict (user_id, kind) where state = 'waiting' do nothing";
    Ok(tx.execute(sql, &[&id, &new.kind.as_str(), &user_id, &new.message, &now]).await? == 1)
}

/// Those of who is in the recycle bin wait there with them.
pub async fn list_requests(tx: &mut Tx, wanted: &Wanted, before: Option<ApprovalRequestId>) -> DbResult<Vec<ApprovalRequest>> {
    let (state, kind) = (wanted.state.map(State::as_str), wanted.kind.map(Kind::as_str));
    let sql = "
        select r.id, r.kind, r.user_id, u.username, u.display_name, r.state, r.message, r.created_at, r.decided_at, r.decided_by,
            r.reason, r.version
        from approval_requests r
        join users u on u.id = r.user_id
        where ($1::uuid is null or r.id < $1)
            and ($2::text is null or r.state = $2)
            and ($3::text is null or r.kind = $3)
            and ($4::uuid is null or r.user_id = $4)
            and u.status <> 'deleted'
        order by r.id desc
        limit $5";
    let rows = tx.query(sql, &[&before, &state, &kind, &wanted.user_id, &wanted.limit.and_one()]).await?;
    Ok(rows.iter().filter_map(request).collect())
}

pub async fn find_request(tx: &mut Tx, id: ApprovalRequestId) -> DbResult<Option<ApprovalRequest>> {
    let sql = "
        select r.id, r.kind, r.user_id, u.username, u.display_name, r.state, r.message, r.created_at, r.decided_at, r.decided_by,
            r.reason, r.version
        from approval_requests r
        join users u on u.id = r.user_id
        where r.id = $1";
    Ok(tx.query_opt(sql, &[&id]).await?.as_ref().and_then(request))
}

pub async fn lock_request(tx: &mut Tx, id: ApprovalRequestId) -> DbResult<()> {
    tx.execute("select from approval_requests where id = $1 for update", &[&id]).await?;
    Ok(())
}

pub async fn update_to_decided(tx: &mut Tx, id: ApprovalRequestId, state: State, reason: Option<&str>) -> DbResult<()> {
    let now = tx.now();
    let actor = tx.origin().actor.clone();
    let sql = "
        update approval_requests
        set state = $2, decided_at = $3, decider_kind = $4, decided_by = $5, reason = $6, version = version + 1
        where id = $1 and state = 'waiting'";
    tx.execute(sql, &[&id, &state.as_str(), &now, &actor.kind(), &actor.user_id(), &reason]).await?;
    Ok(())
}

/// None of a newer release's kinds and states: this one does not know what to do with it.
fn request(row: &Row) -> Option<ApprovalRequest> {
    Some(ApprovalRequest {
        id: row.get("id"),
        kind: Kind::ALL.into_iter().find(|kind| kind.as_str() == row.get::<_, &str>("kind"))?,
        user: Requester { id: row.get("user_id"), username: row.get("username"), display_name: row.get("display_name") },
        state: State::parse(row.get("state"))?,
        message: row.get("message"),
        created_at: row.get("created_at"),
        decided_at: row.get("decided_at"),
        decided_by: row.get("decided_by"),
        reason: row.get("reason"),
        version: row.get("version"),
    })
}
