//! The SQL of who may do what, and by which way.

use std::collections::HashMap;

use super::Way;
use crate::caller::{Permission, PermissionSet};
use crate::db::{DbResult, Tx};
use crate::groups::UserRef;
use crate::id::UserId;

/// The ways by which these users have roles; with a permission only those that give it.
pub async fn list_ways(tx: &mut Tx, users: &[UserId], permission: Option<Permission>) -> DbResult<HashMap<UserId, Vec<Way>>> {
    let now = tx.now();
    let sql = "
        select u.id as user_id, e.role_name, e.group_id, e.carrier_id, e.expires_at, r.permissions
        from unnest($1::uuid[]) as u (id)
        cross join lateral effective_roles(u.id, $2) e
        join roles r on r.name = e.role_name
        where $3::text is null or $3 = any(r.permissions)
        order by e.role_name, e.group_id nulls first, e.carrier_id";
    let mut ways: HashMap<UserId, Vec<Way>> = HashMap::new();
    for row in tx.query(sql, &[&users, &now, &permission.map(Permission::name)]).await? {
        let permissions: Vec<&str> = row.get("permissions");
        ways.entry(row.get("user_id")).or_default().push(Way {
            role: row.get("role_name"),
            permissions: PermissionSet::from_names(&permissions),
            group_id: row.get("group_id"),
            carrier_id: row.get("carrier_id"),
            expires_at: row.get("expires_at"),
        });
    }
    Ok(ways)
}

/// The roles that give a permission.
pub async fn list_giving(tx: &mut Tx, permission: Permission) -> DbResult<Vec<String>> {
    let rows = tx.query("select name from roles where $1 = any(permissions)", &[&permission.name()]).await?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

/// Those of these users who are not deleted and hold nothing of what is `lacked`, by their ids.
pub async fn list_visible(tx: &mut Tx, users: &[UserId], lacked: PermissionSet) -> DbResult<Vec<UserRef>> {
    let now = tx.now();
    let sql = "
        select u.id as user_id, u.username, u.display_name, u.status
        from users u
        where u.id = any($1)
            and u.status <> 'deleted'
            and not exists (
                select
                from effective_roles(u.id, $2) e
                join roles r on r.name = e.role_name
                where r.permissions && $3
            )
        order by u.id";
    Ok(tx.query(sql, &[&users, &now, &lacked.names()]).await?.iter().map(UserRef::of_row).collect())
}

/// The first users after `after` who have one of the roles, are not deleted and hold nothing of what is `lacked`: found by walking
/// the users, so there should be many.
pub async fn list_having(
    tx: &mut Tx,
    roles: &[&str],
    lacked: PermissionSet,
    after: Option<UserId>,
    limit: i64,
) -> DbResult<Vec<UserRef>> {
    let now = tx.now();
    let after = after.map(UserId::uuid).unwrap_or_default();
    let sql = "
        select u.id as user_id, u.username, u.display_name, u.status
        from users u
        where u.id > $1
            and u.status <> 'deleted'
            and exists (
                select
                from effective_roles(u.id, $2) e
                where e.role_name = any($3)
            )
            and not exists (
                select
                from effective_roles(u.id, $2) e
                join roles r on r.name = e.role_name
                where r.permissions && $4
            )
        order by u.id
        limit $5";
    Ok(tx.query(sql, &[&after, &now, &roles, &lacked.names(), &limit]).await?.iter().map(UserRef::of_row).collect())
}
