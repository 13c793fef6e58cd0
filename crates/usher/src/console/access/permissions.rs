//! All permissions, and of each who has it and by which way.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::super::parameters::{Parameters, address};
use super::super::staff::Staff;
use super::super::words;
use crate::api_keys::form::about;
use crate::app::{App, Ask};
use crate::caller::{Permission, PermissionSet};
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::grants;
use crate::html::Faults;
use crate::http::params::Path;
use crate::roles::{self, Role};

const HERE: &str = "/admin/permissions";
const LIST_PAGE: &str = "console/access/permissions.html";
const PAGE: &str = "console/access/permission.html";
/// So many holders are shown on a page.
const SHOWN: u16 = 25;

/// Permissions that are about the same.
#[derive(Serialize)]
pub struct Area {
    #[serde(skip)]
    key: &'static str,
    name: String,
    permissions: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    name: &'static str,
    about: String,
    chosen: bool,
    /// Whoever looks holds it.
    own: bool,
}

/// Permissions in the order of their list, those of an area together.
pub fn by_area(shown: impl IntoIterator<Item = Permission>, chosen: PermissionSet, own: PermissionSet) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for permission in shown {
        let key = permission.name().split(':').next().unwrap_or_default();
        let one = Shown {
            name: permission.name(),
            about: about(permission),
            chosen: chosen.contains(permission),
            own: own.contains(permission),
        };
        match areas.iter_mut().find(|area| area.key == key) {
            Some(area) => area.permissions.push(one),
            None => areas.push(Area { key, name: in_words(key), permissions: vec![one] }),
        }
    }
    areas
}

fn in_words(area: &str) -> String {
    words::of("permissions-area-", area)
}

/// A permission, and the roles that give it.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    about: String,
    roles: Vec<String>,
}

impl Row {
    fn of(permission: Permission, all: &[Role]) -> Self {
        let giving = all.iter().filter(|role| role.permissions.contains(&permission));
        Self { name: permission.name(), about: about(permission), roles: giving.map(|role| role.name.clone()).collect() }
    }
}

#[derive(Deserialize)]
pub struct PermissionPath {
    permission: Permission,
}

pub async fn list(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesRead)?;
    let mut tx = staff.begin(&app).await?;
    let all = roles::list(&mut tx).await?;
    tx.commit().await?;
    let rows: Vec<Row> = Permission::ALL.into_iter().map(|permission| Row::of(permission, &all)).collect();
    staff.page(&app, HERE, LIST_PAGE, context! { rows => Serde(rows) }, &Faults::default())
}

pub async fn show(
    staff: Staff,
    Path(path): Path<PermissionPath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    staff.require(Permission::RolesRead)?;
    let mut tx = staff.begin(&app).await?;
    let all = roles::list(&mut tx).await?;
    tx.commit().await?;
    let ask: Ask<(_, Permission, Limit, Option<String>), _> =
        |tx, (by, permission, limit, cursor)| Box::pin(grants::list_holders(tx, *by, *permission, *limit, cursor.as_deref()));
    let cursor = parameters.get("cursor").map(ToOwned::to_owned);
    let first = cursor.is_some();
    let limit = Limit::new(SHOWN).unwrap_or_default();
    let wanted = (staff.authority(), path.permission, limit, cursor);
    let page = app.read_list(&staff.person().origin, &wanted, ask).await?;
    let way = format!("{HERE}/{}", path.permission.name());
    let values = context! {
        permission => Serde(Row::of(path.permission, &all)), holders => Serde(page.items),
        next => page.next.as_deref().map(|next| address(&way, [("cursor", next)])),
        first => first.then_some(way),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_stand_in_their_areas_once_each() {
        let own: PermissionSet = [Permission::UsersRead].into_iter().collect();
        let areas = by_area(Permission::ALL, PermissionSet::all(), own);
        let all: Vec<&Shown> = areas.iter().flat_map(|area| &area.permissions).collect();
        assert_eq!(all.len(), Permission::ALL.len());
        assert_eq!(all.iter().filter(|one| one.own).count(), 1);
        assert_eq!((areas[0].name.as_str(), areas[0].permissions.len()), ("Users", 4));
        assert_eq!((in_words("signins"), in_words("service_accounts")), ("Sign-ins".to_owned(), "Service accounts".to_owned()));
    }
}
