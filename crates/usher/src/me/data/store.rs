//! The SQL of what is the person's and only of features above this one.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::OwnInvitation;
use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// Those that the person has sent, and the one that they came by; the newest first.
pub async fn list_invitations(tx: &mut Tx, user_id: UserId, limit: i64) -> DbResult<Vec<OwnInvitation>> {
    let now = tx.now();
    let sql = "
        select id, coalesce(invited_by = $1, false) as sent_by_you, address, display_name, message, roles, forward_to, delivery,
            case
                when accepted_at is not null then 'accepted'
                when revoked_at is not null then 'revoked'
                when replaced_at is not null or expires_at <= $2 then 'expired'
                else 'waiting'
            end as state,
            created_at, sent_at, times_sent, opened_at, accepted_at, revoked_at, expires_at
        from invitations
        where invited_by = $1 or accepted_by = $1
        order by id desc
        limit $3";
    Ok(tx.query(sql, &[&user_id, &now, &limit]).await?.iter().map(invitation).collect())
}

fn invitation(row: &Row) -> OwnInvitation {
    let time = |name: &str| row.get::<_, Option<Timestamp>>(name);
    OwnInvitation {
        id: row.get("id"),
        sent_by_you: row.get("sent_by_you"),
        email: row.get("address"),
        display_name: row.get("display_name"),
        message: row.get("message"),
        roles: row.get("roles"),
        forward_to: row.get("forward_to"),
        delivery: row.get("delivery"),
        state: row.get("state"),
        created_at: row.get("created_at"),
        sent_at: time("sent_at"),
        times_sent: row.get("times_sent"),
        opened_at: time("opened_at"),
        accepted_at: time("accepted_at"),
        revoked_at: time("revoked_at"),
        expires_at: row.get("expires_at"),
    }
}
