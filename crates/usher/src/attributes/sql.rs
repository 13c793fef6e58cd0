//! Properties in SQL: the expression that a filter compares and an index is on. Both come from here, so they can't differ.

use super::schema::{Kind, Property};
use crate::secret::sha256;

/// What PostgreSQL takes for a name, in bytes.
const NAME_MAX: usize = 63;

/// An index that a property asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    pub property: String,
    pub unique: bool,
    /// Builds it without blocking writes.
    pub create: String,
    /// Has PostgreSQL gather how often which values are there: of an index that leaves out users it would take them for rare.
    pub describe: String,
}

/// The value of a property of the user `u`. It is null where the user has none, or one of another type. Texts are in lower case and
/// compared by their bytes, numbers are numeric, and booleans and arrays are jsonb.
///
/// Any strict comparison with it can use the index: no user without a value is in there.
pub fn expression(property: &Property) -> String {
    expression_of("u.attributes", property)
}

/// The same of other attributes.
pub fn expression_of(attributes: &str, property: &Property) -> String {
    // Names are letters, digits and underscores.
    let name = property.name.replace('\'', "''");
    match property.kind {
        Kind::Text => format!("(lower({attributes} ->> '{name}') collate \"C\")"),
        Kind::Time | Kind::Date => format!("(({attributes} ->> '{name}') collate \"C\")"),
        Kind::Number => {
            format!("(case when jsonb_typeof({attributes} -> '{name}') = 'number' then ({attributes} ->> '{name}')::numeric end)")
        }
        Kind::Boolean | Kind::TextList | Kind::Other => format!("({attributes} -> '{name}')"),
    }
}

/// The index that the property asks for; one that is unique and searchable has one for both.
pub fn index(property: &Property) -> Option<Index> {
    if !(property.searchable || property.unique) || property.kind == Kind::Other {
        return None;
    }
    let expression = expression_of("attributes", property);
    let name = index_name(property);
    let (unique, method, class) = match property.kind {
        Kind::TextList => ("", "gin", " jsonb_path_ops"),
        _ if property.unique => ("unique ", "btree", ""),
        _ => ("", "btree", ""),
    };
    let create = format!(
        "create {unique}index concurrently \"{name}\" on users using {method} ({expression}{class}) where {expression} is not null"
    );
    let describe = format!("create statistics if not exists \"{name}\" on {expression} from users");
    Some(Index { name, property: property.name.clone(), unique: property.unique, create, describe })
}

/// What tells one definition of an index from another is in its name.
fn index_name(property: &Property) -> String {
    let kind = match property.kind {
        Kind::Text => "text",
        Kind::Time => "time",
        Kind::Date => "date",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
        Kind::TextList => "list",
        Kind::Other => "other",
    };
    let end = if property.unique { "key" } else { "idx" };
    let name = format!("{PREFIX}{}_{kind}_{end}", property.name);
    if name.len() <= NAME_MAX {
        return name;
    }
    let [a, b, c, d, ..] = sha256(property.name.as_bytes());
    format!("{PREFIX}{}_{a:02x}{b:02x}{c:02x}{d:02x}_{kind}_{end}", &property.name[..NAME_MAX - 33])
}

/// What the names of all these indexes begin with.
pub const PREFIX: &str = "users_attr_";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::document::Visibility;

    fn property(name: &str, kind: Kind, unique: bool) -> Property {
        Property {
            name: name.to_owned(),
            kind,
            searchable: true,
            unique,
            self_editable: false,
            visibility: Visibility::Admin,
            pii: false,
            claim: None,
            index_ready: false,
        }
    }

    #[test]
    fn names_of_indexes_fit_and_differ() {
        let long = "a".repeat(63);
        let longer = [format!("{}b", "a".repeat(62)), long, "badge".to_owned()];
        let mut names: Vec<_> = longer.iter().map(|name| index_name(&property(name, Kind::Boolean, false))).collect();
        names.push(index_name(&property("badge", Kind::Text, true)));
        assert!(names.iter().all(|name| name.len() <= NAME_MAX), "{names:?}");
        assert_eq!(names[2..], ["users_attr_badge_boolean_idx", "users_attr_badge_text_key"]);
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn an_index_is_on_the_expression_of_the_filter() {
        for kind in [Kind::Text, Kind::Time, Kind::Date, Kind::Number, Kind::Boolean, Kind::TextList] {
            let property = property("badge", kind, false);
            let expression = expression(&property).replace("u.attributes", "attributes");
            assert!(index(&property).unwrap().create.contains(&expression), "{kind:?}");
        }
    }
}
