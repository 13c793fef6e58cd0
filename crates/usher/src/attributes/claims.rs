//! Attributes in access tokens: those whose property names a claim. Others read them there, so none speaks for what usher says or a
//! standard gives a meaning to; and so does the person, so what is for administrators is in no token.

use serde_json::{Map, Value};

use super::Schema;
use super::document::{Rule, Visibility};

/// All claims of attributes together, in bytes as JSON: a token is sent with every request.
const BYTES_MAX: usize = 2 * 1024;
/// Objects and arrays within each other. Who verifies tokens need not read deeper; usher itself reads 16 levels.
const DEPTH_MAX: usize = 8;
/// By line: RFC 7519 and `OpenID` Connect; its profile of a person; RFC 9068, 7662, 9396; RFC 8693, 7800, 8417; usher's own.
const RESERVED: [&str; 5] = [
    "iss sub aud exp nbf iat jti nonce acr amr azp auth_time at_hash c_hash s_hash sid sub_jwk _claim_names _claim_sources",
    "name given_name family_name middle_name nickname preferred_username profile picture website email email_verified gender \
     birthdate zoneinfo locale phone_number phone_number_verified address updated_at",
    "client_id scope roles groups entitlements active username token_type authorization_details",
    "act may_act cnf events toe txn",
    "permissions epoch",
];

/// What is wrong with the name of a claim.
pub fn refused(claim: &str) -> Option<&'static str> {
    if is_reserved(claim) {
        return Some("has a meaning by a standard or in usher's own tokens: choose another name");
    }
    let fits = claim.len() <= 100 && claim.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte));
    (!fits || claim.is_empty()).then_some("must be 1 to 100 letters, digits and characters of _ . : / -")
}

/// The claim that carries a property. None, where a schema was set before such a claim was refused.
pub fn of(rule: &Rule) -> Option<String> {
    rule.claim.clone().filter(|claim| rule.visibility != Visibility::Admin && refused(claim).is_none())
}

/// Whatever its case: some readers mind none.
fn is_reserved(claim: &str) -> bool {
    RESERVED.iter().flat_map(|names| names.split(' ')).any(|name| name.eq_ignore_ascii_case(claim))
}

impl Schema {
    /// Whether there is anything that tokens carry.
    pub fn has_claims(&self) -> bool {
        self.properties().iter().any(|property| property.claim.is_some())
    }

    /// What a token says of these attributes; what is empty is not there. None, where that is more than tokens carry.
    pub fn claims(&self, attributes: &Map<String, Value>) -> Option<Map<String, Value>> {
        let attributes = self.moved(attributes);
        let carried = self.properties().iter().filter_map(|property| {
            let value = attributes.get(&property.name).filter(|value| !is_empty(value))?;
            Some((property.claim.clone()?, value.clone()))
        });
        let claims: Map<String, Value> = carried.collect();
        let fits = claims.values().all(|value| depth(value) <= DEPTH_MAX) && written(&claims) <= BYTES_MAX;
        fits.then_some(claims)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// How many objects and arrays are within each other. Attributes are no deeper than the body that they came in.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// In bytes, as JSON.
fn written(claims: &Map<String, Value>) -> usize {
    serde_json::to_string(claims).map_or(usize::MAX, |text| text.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(properties: &Value) -> Schema {
        let mut document = json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": true });
        document["properties"] = properties.clone();
        Schema::new(1, serde_json::from_value(document).unwrap(), |_| false).unwrap()
    }

    fn claims(schema: &Schema, attributes: &Value) -> Option<Value> {
        schema.claims(attributes.as_object().unwrap()).map(Value::Object)
    }

    #[test]
    fn names_with_a_meaning_are_refused_whatever_their_case() {
        let own = "iss sub aud client_id exp iat jti sid auth_time amr roles";
        for name in own.split(' ').chain(["SUB", "nbf", "scope", "permissions", "acr", "epoch", "birthdate", "updated_at"]) {
            assert!(refused(name).is_some(), "{name}");
        }
        for name in ["", "a b", "ä", &"a".repeat(101)] {
            assert!(refused(name).is_some(), "{name}");
        }
        for name in ["department", "Department", "https://example.org/claims/birthdate", "subject"] {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn tokens_carry_what_names_a_claim_and_is_not_empty() {
        let named = |claim: &str| json!({ "type": "string", "visibility": "self", "claim": claim });
        let list = json!({ "type": "array", "visibility": "public", "claim": "tags" });
        let plain = json!({ "type": "string" });
        let schema = schema(&json!({ "unit": named("department"), "desk": named("desk"), "tags": list, "plain": plain }));
        assert!(schema.has_claims());
        let attributes = json!({ "unit": "Sales", "desk": "", "tags": ["a"], "plain": "x", "other": 1 });
        assert_eq!(claims(&schema, &attributes), Some(json!({ "department": "Sales", "tags": ["a"] })));
        assert_eq!(claims(&schema, &json!({ "unit": null, "tags": [] })), Some(json!({})));
    }

    #[test]
    fn what_was_set_before_it_was_refused_is_in_no_token() {
        let schema = schema(&json!({
            "rank": { "type": "string", "claim": "rank" },
            "nick": { "type": "string", "visibility": "self", "claim": "nickname" }
        }));
        assert!(!schema.has_claims());
        assert_eq!(claims(&schema, &json!({ "rank": "1", "nick": "Ann" })), Some(json!({})));
    }

    #[test]
    fn what_is_too_much_is_left_out_as_a_whole() {
        let schema = schema(&json!({
            "unit": { "type": "string", "visibility": "self", "claim": "unit" },
            "car": { "type": "object", "visibility": "self", "claim": "car" }
        }));
        // `{"unit":"..."}` has eleven more.
        assert!(claims(&schema, &json!({ "unit": "x".repeat(BYTES_MAX - 11) })).is_some());
        assert_eq!(claims(&schema, &json!({ "unit": "x".repeat(BYTES_MAX - 10) })), None);
        let mut deep = json!({ "a": 1 });
        for _ in 1..DEPTH_MAX {
            deep = json!({ "a": deep });
        }
        assert!(claims(&schema, &json!({ "car": deep })).is_some());
        assert_eq!(claims(&schema, &json!({ "unit": "x", "car": { "a": deep } })), None);
    }
}
