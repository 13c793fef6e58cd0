//! Who is in the set of a run, and what would come of them.

use uuid::Uuid;

use super::attributes::verdict_of_attributes;
use super::warnings::was_warned;
use crate::activity::LAST_DAY;
use crate::attributes::Schema;
use crate::bulk::{Action, Counts, Inactive, Selection, USERS_MAX};
use crate::caller::{Authority, UserStatus};
use crate::db::{Conditions, DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::roles::RoleName;
use crate::users::{self, Filter, Surroundings, Written};

/// Writes down who is in the set and what would come of them, and counts them. Setting attributes needs their schema.
pub async fn freeze(
    tx: &mut Tx,
    id: Uuid,
    by: Authority,
    (action, schema): (&Action, Option<&Schema>),
    selection: &Selection,
) -> AppResult<Counts> {
    let filter = users_of(action, selection);
    let around = match selection {
        Selection::Inactive(who) => {
            let filters: Vec<&str> = who.filter.as_deref().into_iter().chain(who.exempt.as_deref()).collect();
            Surroundings::look_for_all(tx, by, &filters).await?
        }
        Selection::Filter(_) | Selection::Ids(_) => Surroundings::look(tx, by, &filter).await?,
    };
    let mut conditions = Conditions::default();
    let run = conditions.bind(id);
    match selection {
        Selection::Inactive(who) => inactive(action, who, &around, &mut conditions)?,
        Selection::Filter(_) => {
            users::select(&filter, &around, Written::ForFew, &mut conditions).map_err(Rejection::of_a_body)?;
        }
        Selection::Ids(ids) => conditions.require_if("u.id = any({})", Some(ids.clone())),
    }
    let condition = conditions.sql();
    let verdict = verdict((action, schema), &around, &mut conditions);
    let limit = conditions.bind(USERS_MAX + 1);
    let tables = match selection {
        Selection::Inactive(_) => "users u left join last_active_days l on l.user_id = u.id",
        Selection::Filter(_) | Selection::Ids(_) => "users u",
    };
    let sql = format!(
        "with frozen as (
            insert into bulk_items (run_id, position, user_id, outcome, code)
            select {run}, row_number() over (order by id), id,
                case verdict when 'to_do' then null when 'unchanged' then 'unchanged' else 'refused' end,
                case when verdict not in ('to_do', 'unchanged') then verdict end
            from (
                select u.id, case {verdict} else 'to_do' end as verdict
                from {tables}
                where {condition}
                limit {limit}
            ) as found
            returning outcome
        )
        select outcome, count(*)
        from frozen
        group by outcome"
    );
    let mut counts = Counts::default();
    for row in tx.query_once(&sql, &conditions.params()).await? {
        *counts.of(row.get(0)) = row.get(1);
    }
    if let Selection::Ids(ids) = selection {
        let sql = "
            insert into bulk_items (run_id, position, user_id, outcome, code)
            select $1, $3 + row_number() over (order by id), id, 'refused', 'not_found'
            from (select distinct id from unnest($2::uuid[]) as id) as ids
            where not exists (select from users u where u.id = ids.id)";
        counts.refused += i64::try_from(tx.execute(sql, &[&id, &ids, &counts.total()]).await?).unwrap_or_default();
    }
    Ok(counts)
}

/// What narrows the set down beside what an action asks for.
fn users_of(action: &Action, selection: &Selection) -> Filter {
    let Selection::Filter(filter) = selection else { return Filter::default() };
    let status = matches!(action, Action::Restore | Action::Purge).then_some(UserStatus::Deleted);
    Filter { filter: Some(filter.clone()), status, ..Filter::default() }
}

/// Who stays away: of those who may sign in; to be deleted, of the suspended ones too. One pass over the users, since an index on the
/// last days would cost a write of its own for every user and day.
fn inactive(action: &Action, who: &Inactive, around: &Surroundings, into: &mut Conditions) -> Result<(), Rejection> {
    let status = (*action != Action::Delete).then_some(UserStatus::Active);
    let filter = Filter { filter: who.filter.clone(), status, ..Filter::default() };
    users::select(&filter, around, Written::ForFew, into).map_err(Rejection::of_a_body)?;
    if *action == Action::Delete {
        into.require("u.status in ('active', 'suspended')");
    }
    into.require_if(&format!("{LAST_DAY} < {{}}"), Some(who.before));
    if let Some(exempt) = &who.exempt {
        let others = users::compile_opposite_of_filter(exempt, around, Written::ForFew, into);
        into.require(others.map_err(|fault| fault.of_member("exempt"))?);
    }
    if let Some(before) = who.warned_before {
        let before = into.bind(before);
        into.require(format!(
            "exists (
                select
                from inactivity_warnings w
                where w.user_id = u.id and w.last_day >= {LAST_DAY}
                    and (w.sent_at at time zone 'UTC')::date < {before}
            )"
        ));
    }
    if let Action::WarnInactive { rule, .. } = action {
        let (rule, now) = (into.bind(*rule), into.bind(around.now));
        into.require(format!("not {}", was_warned(LAST_DAY, &rule, &now)));
    }
    Ok(())
}

/// The rules for one user, as far as a preview can tell, in the words of SQL. Each is asked again when the user's turn comes.
fn verdict((action, schema): (&Action, Option<&Schema>), around: &Surroundings, into: &mut Conditions) -> String {
    let mut cases = Vec::new();
    if !around.outranking.is_empty() {
        cases.push(format!("when {} then 'target_outranks_caller'", users::outranks(around, into)));
    }
    let mut add = |case: &str| cases.push(case.to_owned());
    match action {
        Action::Suspend => {
            add("when u.status = 'deleted' then 'invalid_state' when u.status = 'suspended' then 'unchanged'");
        }
        Action::Reactivate => {
            add("when u.status in ('deleted', 'pending') then 'invalid_state' when u.status = 'active' then 'unchanged'");
        }
        Action::Delete => add("when u.status = 'deleted' then 'unchanged'"),
        Action::Restore | Action::Purge => add("when u.status <> 'deleted' then 'invalid_state'"),
        Action::AssignRole { role } => {
            let holds = holds(role, around, into);
            cases.push(format!("when u.status = 'deleted' then 'invalid_state' when {holds} then 'unchanged'"));
        }
        Action::RemoveRole { role } => {
            let holds = holds(role, around, into);
            cases.push(format!("when u.status = 'deleted' then 'invalid_state' when not {holds} then 'unchanged'"));
        }
        Action::AssignRoleUntil { role, expires_at } => {
            let (role, end) = (into.bind(role.as_str().to_owned()), into.bind(*expires_at));
            let holds = format!(
                "exists (select from user_roles ur where ur.user_id = u.id and ur.role_name = {role} and ur.expires_at = {end})"
            );
            cases.push(format!("when u.status = 'deleted' then 'invalid_state' when {holds} then 'unchanged'"));
        }
        Action::SetAttributes { attributes } => {
            if let Some(schema) = schema {
                cases.push(verdict_of_attributes(attributes, schema, into));
            }
        }
        Action::RequirePasswordReset => add("when u.status in ('deleted', 'suspended') then 'invalid_state'"),
        Action::WarnInactive { .. } => add("when not exists (
                select
                from emails e
                where e.user_id = u.id and e.is_primary and e.verified_at is not null
            ) then 'no_address'"),
        Action::SignOut | Action::Undo => {}
    }
    if cases.is_empty() { "when false then null".to_owned() } else { cases.join(" ") }
}

/// Whether the role was granted to a user `u`, and the grant has not ended.
fn holds(role: &RoleName, around: &Surroundings, into: &mut Conditions) -> String {
    let (role, now) = (into.bind(role.as_str().to_owned()), into.bind(around.now));
    format!(
        "exists (
            select
            from user_roles ur
            where ur.user_id = u.id and ur.role_name = {role} and (ur.expires_at is null or ur.expires_at > {now})
        )"
    )
}

/// If the set holds every active administrator, the last of them would be refused. Says how many are.
pub async fn spare_the_last_admin(tx: &mut Tx, id: Uuid) -> DbResult<i64> {
    let sql = "
        with admins as (
            select u.id, i.position
            from users u
            left join bulk_items i on i.run_id = $1 and i.user_id = u.id and i.outcome is null
            where u.status = 'active'
                and u.id in (
                    select ur.user_id
                    from user_roles ur
                    where ur.role_name = 'admin' and ur.expires_at is null
                    union
                    select m.user_id
                    from group_roles gr
                    join group_closure c on c.ancestor_id = gr.group_id
                    join group_members m on m.group_id = c.group_id
                    where gr.role_name = 'admin' and m.expires_at is null
                )
        )
        update bulk_items
        set outcome = 'refused', code = 'last_admin'
        where run_id = $1
            and position = (select max(position) from admins)
            and not exists (select from admins where position is null)";
    Ok(i64::try_from(tx.execute(sql, &[&id]).await?).unwrap_or_default())
}

/// Puts the events of a change set into the run that undoes it, newest first, and says how many there are.
pub async fn freeze_events(tx: &mut Tx, id: Uuid, undoes: Uuid) -> DbResult<i64> {
    // One statement for millions.
    tx.lift_statement_timeout().await?;
    let sql = "
        insert into bulk_items (run_id, position, user_id, event_id)
        select $1, row_number() over (order by e.id desc), e.subject_id, e.id
        from audit_changes c
        join audit_events e on e.id = c.event_id
        where c.change_id = $2 and c.change_id <> c.event_id and e.target_kind = 'user' and e.subject_id is not null";
    Ok(i64::try_from(tx.execute(sql, &[&id, &undoes]).await?).unwrap_or(i64::MAX))
}
