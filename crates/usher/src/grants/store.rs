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

/// Users after `after` who have the permission, without the deleted ones and those who hold some of what is `lacked`. Each role and
/// each group gives its first ones by an index, so that a page costs the same wherever it is.
pub async fn list_holders(
    tx: &mut Tx,
    permission: Permission,
    lacked: PermissionSet,
    after: Option<UserId>,
    limit: i64,
) -> DbResult<Vec<UserRef>> {
    let now = tx.now();
    let after = after.map(UserId::uuid).unwrap_or_default();
    let sql = "
        with giving as (
            select r.name
            from roles r
            where $1 = any(r.permissions)
        ),
        found as (
            select by_role.user_id
            from giving
            cross join lateral (
                select ur.user_id
                from user_roles ur
                join users u on u.id = ur.user_id
                where ur.role_name = giving.name
                    and ur.user_id > $2
                    and (ur.expires_at is null or ur.expires_at > $3)
                    and u.status <> 'deleted'
                    and not exists (
                        select
                        from effective_roles(ur.user_id, $3) e
                        join roles r on r.name = e.role_name
                        where r.permissions && $4
                    )
                order by ur.user_id
                limit $5
            ) by_role
            union
            select by_group.user_id
            from (
                select distinct c.group_id
                from giving
                join group_roles gr on gr.role_name = giving.name
                join group_closure c on c.ancestor_id = gr.group_id
            ) carrying
            cross join lateral (
                select m.user_id
                from group_members m
                join users u on u.id = m.user_id
                where m.group_id = carrying.group_id
                    and m.user_id > $2
                    and (m.expires_at is null or m.expires_at > $3)
                    and u.status <> 'deleted'
                    and not exists (
                        select
                        from effective_roles(m.user_id, $3) e
                        join roles r on r.name = e.role_name
                        where r.permissions && $4
                    )
                order by m.user_id
                limit $5
            ) by_group
        )
        select u.id as user_id, u.username, u.display_name, u.status
        from (select found.user_id from found order by found.user_id limit $5) first
        join users u on u.id = first.user_id
        order by u.id";
    let rows = tx.query(sql, &[&permission.name(), &after, &now, &lacked.names(), &limit]).await?;
    Ok(rows.iter().map(UserRef::of_row).collect())
}
