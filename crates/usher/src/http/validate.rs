//! JSON bodies checked against the very schema that the document shows, so that the two can't differ.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::error::{FieldError, Rejection};
use crate::formats;

/// Deepest nesting accepted.
const DEPTH_MAX: usize = 64;
/// Longest array accepted.
const ITEMS_MAX: usize = 1000;
const SEE_SCHEMA: &str = "does not fit; see the schema in /openapi.json";
/// Faults reported at once.
const ERRORS_MAX: usize = 32;

/// All faults of a body against the schema of `T`. Messages never repeat a value: it may be a password.
pub fn check<T: JsonSchema + 'static>(body: &Value) -> Result<(), Rejection> {
    if let Some(error) = beyond_limits(body, 0, "") {
        return Err(Rejection::invalid_body(vec![error]));
    }
    let validator = validator_of::<T>();
    if validator.is_valid(body) {
        return Ok(());
    }
    let errors = validator.iter_errors(body).flat_map(|error| field_errors(&error)).take(ERRORS_MAX).collect();
    Err(Rejection::invalid_body(errors))
}

/// All faults of a value against a schema that is no request's own. Their pointers begin with `at`; where nothing better can be said,
/// the detail is `see`.
pub fn faults(validator: &Validator, value: &Value, at: &str, see: &str) -> Vec<FieldError> {
    if let Some(error) = beyond_limits(value, 0, at) {
        return vec![error];
    }
    if validator.is_valid(value) {
        return Vec::new();
    }
    let errors = validator.iter_errors(value).flat_map(|error| field_errors(&error)).take(ERRORS_MAX);
    errors
        .map(|mut error| {
            error.pointer = Some(format!("{at}{}", error.pointer.unwrap_or_default()));
            if error.detail == SEE_SCHEMA {
                see.clone_into(&mut error.detail);
            }
            error
        })
        .collect()
}

fn validator_of<T: JsonSchema + 'static>() -> Arc<Validator> {
    static VALIDATORS: RwLock<Option<HashMap<TypeId, Arc<Validator>>>> = RwLock::new(None);
    let key = TypeId::of::<T>();
    let known = VALIDATORS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(validator) = known.as_ref().and_then(|validators| validators.get(&key)) {
        return Arc::clone(validator);
    }
    drop(known);
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    let mut options = jsonschema::draft202012::options().should_validate_formats(true);
    for format in formats::ALL {
        options = options.with_format(format.name, format.fits);
    }
    let validator = options.build(schema.as_value()).expect("a derived schema is a valid schema");
    let validator = Arc::new(validator);
    let mut validators = VALIDATORS.write().unwrap_or_else(PoisonError::into_inner);
    validators.get_or_insert_default().insert(key, Arc::clone(&validator));
    validator
}

fn beyond_limits(value: &Value, depth: usize, pointer: &str) -> Option<FieldError> {
    if depth > DEPTH_MAX {
        return Some(FieldError::at_pointer(pointer, "too_deep", format!("is nested deeper than {DEPTH_MAX} levels")));
    }
    match value {
        Value::Array(items) if items.len() > ITEMS_MAX => {
            Some(FieldError::at_pointer(pointer, "max_items", format!("has more than {ITEMS_MAX} items")))
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| beyond_limits(item, depth + 1, &format!("{pointer}/{at}")))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let pointer = format!("{pointer}/{}", escape(name));
            // PostgreSQL's text holds every character but this one.
            let error = name.contains('\0').then(|| no_nul(&pointer));
            error.or_else(|| beyond_limits(member, depth + 1, &pointer))
        }),
        Value::String(text) if text.contains('\0') => Some(no_nul(pointer)),
        _ => None,
    }
}

fn no_nul(pointer: &str) -> FieldError {
    FieldError::at_pointer(pointer, "invalid", "must not contain the character U+0000")
}

/// RFC 6901, section 3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn field_errors(error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = error.instance_path().as_str();
    let one = |code: &'static str, detail: String| vec![FieldError::at_pointer(at, code, detail)];
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let pointer = format!("{at}/{}", escape(name));
                FieldError::at_pointer(pointer, "unknown_field", "is unknown or can't be set here")
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![FieldError::at_pointer(format!("{at}/{}", escape(name)), "required", "is missing")]
        }
        ValidationErrorKind::Type { kind } => one("type", format!("must be {}", type_names(kind))),
        ValidationErrorKind::MinLength { limit } => one("min_length", format!("must have at least {limit} characters")),
        ValidationErrorKind::MaxLength { limit } => one("max_length", format!("must have at most {limit} characters")),
        ValidationErrorKind::MinItems { limit } => one("min_items", format!("must have at least {limit} items")),
        ValidationErrorKind::MaxItems { limit } => one("max_items", format!("must have at most {limit} items")),
        ValidationErrorKind::MaxProperties { limit } => one("max_properties", format!("must have at most {limit} members")),
        ValidationErrorKind::MinProperties { limit } => one("min_properties", format!("must have at least {limit} members")),
        ValidationErrorKind::ExclusiveMinimum { limit } => one("minimum", format!("must be more than {limit}")),
        ValidationErrorKind::ExclusiveMaximum { limit } => one("maximum", format!("must be less than {limit}")),
        ValidationErrorKind::MultipleOf { multiple_of } => one("multiple_of", format!("must be a multiple of {multiple_of}")),
        ValidationErrorKind::Minimum { limit } => one("minimum", format!("must be at least {limit}")),
        ValidationErrorKind::Maximum { limit } => one("maximum", format!("must be at most {limit}")),
        ValidationErrorKind::Enum { options } => one("enum", format!("must be one of {options}")),
        ValidationErrorKind::Format { format } => {
            one("format", formats::hint(format).map_or_else(|| format!("must be a valid {format}"), ToOwned::to_owned))
        }
        ValidationErrorKind::AnyOf { context } => match branches(context).as_slice() {
            [only] => only.iter().flat_map(field_errors).collect(),
            _ => one("invalid", SEE_SCHEMA.to_owned()),
        },
        ValidationErrorKind::Pattern { pattern } => one("pattern", format!("must match {pattern}")),
        ValidationErrorKind::UniqueItems => one("unique_items", "must not have the same item twice".to_owned()),
        _ => one("invalid", SEE_SCHEMA.to_owned()),
    }
}

/// A field that may be `null` has two branches; what is wrong with the other one is worth saying.
fn branches<'a>(context: &'a [Vec<ValidationError<'static>>]) -> Vec<&'a [ValidationError<'static>]> {
    let wants_null = |branch: &[ValidationError<'static>]| {
        branch.iter().any(|error| {
            matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(kind) } if kind.to_string() == "null")
        })
    };
    context.iter().map(Vec::as_slice).filter(|branch| !wants_null(branch)).collect()
}

fn type_names(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => several.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" or "),
    }
}
