//! The JSON Schema of the attributes as operators write it: a closed list of keywords of draft 2020-12, and usher's annotations.
//! Nothing refers to anything else: there is no `$ref`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The schema of what `attributes` of a user may hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "AttributeSchema", extend("example" = example()))]
pub struct Document {
    /// May say which draft it is.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    #[serde(rename = "type")]
    pub kind: Object,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub description: Option<String>,
    /// At most 100. Names are letters, digits and underscores, begin with a letter, and differ in more than case.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Rule>", extend("maxProperties" = 100))]
    pub properties: IndexMap<String, Rule>,
    /// Which of them every user has.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub required: Vec<String>,
    /// Whether there may be others too; `true` when left out.
    #[serde(default = "yes")]
    pub additional_properties: bool,
}

/// Draft 2020-12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Dialect {
    #[serde(rename = "https://json-schema.org/draft/2020-12/schema")]
    Draft202012,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Object {
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    DateTime,
    Date,
    Email,
    Uri,
}

/// Who sees a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Administrators only.
    #[default]
    Admin,
    /// The person too.
    #[serde(rename = "self")]
    Own,
    /// Everybody who may see the person.
    Public,
}

/// What a property may hold. What stands below `searchable` is for the properties at the top only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "AttributeRule")]
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation of its own")]
pub struct Rule {
    #[serde(rename = "type")]
    pub kind: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub description: Option<String>,
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub options: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// A regular expression without look-around and back-references, so that it is matched in linear time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub pattern: Option<String>,
    /// A `date-time` is kept in UTC with six digits of the second, whatever offset it was written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_minimum: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_maximum: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiple_of: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Rule>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_items: Option<bool>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Rule>", extend("maxProperties" = 100))]
    pub properties: IndexMap<String, Rule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub required: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_properties: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_properties: Option<u32>,
    /// Lists of users can be filtered by it: it gets an index.
    #[serde(default, skip_serializing_if = "is_false")]
    pub searchable: bool,
    /// No two users have the same value, whatever its case.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// The person may change it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub self_editable: bool,
    /// `admin` when left out.
    #[serde(default, skip_serializing_if = "is_admin")]
    pub visibility: Visibility,
    /// Personal data: who reads the audit trail without `users:read` sees that it changed, and no value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pii: bool,
    /// The claim of access tokens that carries it. Only what the person sees; no name with a meaning of its own, such as `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub claim: Option<String>,
}

impl Document {
    /// The same without what does not decide whether something fits.
    #[must_use]
    pub fn constraints(&self) -> Self {
        let rules = self.properties.iter().map(|(name, rule)| (name.clone(), rule.constraints()));
        let mut required = self.required.clone();
        required.sort();
        Self { dialect: None, title: None, description: None, properties: rules.collect(), required, ..self.clone() }
    }

    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a schema is plain data")
    }
}

impl Rule {
    #[must_use]
    pub fn constraints(&self) -> Self {
        Self {
            title: None,
            description: None,
            items: self.items.as_ref().map(|items| Box::new(items.constraints())),
            properties: self.properties.iter().map(|(name, rule)| (name.clone(), rule.constraints())).collect(),
            searchable: false,
            unique: false,
            self_editable: false,
            visibility: Visibility::Admin,
            pii: false,
            claim: None,
            ..self.clone()
        }
    }

    /// Whether it says something that is for properties at the top only.
    pub fn is_annotated(&self) -> bool {
        let visible = self.visibility != Visibility::Admin;
        self.searchable || self.unique || self.self_editable || visible || self.pii || self.claim.is_some()
    }
}

/// What the documentation shows.
fn example() -> Value {
    serde_json::json!({
        "type": "object",
        "properties": {
            "department": {
                "type": "string", "maxLength": 100, "title": "Department", "searchable": true, "visibility": "self", "claim": "department"
            },
            "badge": { "type": "string", "pattern": "^[0-9]{6}$", "maxLength": 6, "unique": true },
            "nickname": { "type": "string", "maxLength": 40, "selfEditable": true, "visibility": "public", "pii": true }
        },
        "required": [],
        "additionalProperties": false
    })
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_admin(visibility: &Visibility) -> bool {
    *visibility == Visibility::Admin
}
