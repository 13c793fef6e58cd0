//! The API of the schema of attributes.

use aide::generate::GenContext;
use aide::openapi::Operation as ApiOperation;
use aide::operation::OperationOutput;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::migration::{self, Preview};
use super::{Document, Operation, Outcome, Status};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::etag::IfMatch;
use crate::http::output::{Inferred, Tagged, with_body};

const READ: Access = Access::Holding(Permission::UsersRead);
const WRITE: Access = Access::Holding(Permission::AttributesWrite);
const UNDER_WAY: &str = "Attributes are being renamed or removed (`attribute_migration_under_way`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Attributes", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/attribute-schema", READ, "Read the schema of attributes")
                .description("What is in force, what waits to come into force and how far that is, and which indexes there are."),
            read_attribute_schema,
        )
        .op(
            op(Method::PUT, "/v1/attribute-schema", WRITE, "Set the schema of attributes")
                .description(
                    "200: it is in force. 202: every write fits it from here on, and it comes into force when all users have been \
                     checked and the indexes of unique properties have been built; read the schema to see how far that is. A version \
                     that waits is given up for this one. Indexes of searchable properties are built afterwards, and no write waits \
                     for them.",
                )
                .fails(409, "Users do not fit; `violating` says how many, `offenders` the first of them (`attribute_schema_violated`).")
                .fails(409, UNDER_WAY),
            set_attribute_schema,
        )
        .op(
            op(Method::POST, "/v1/attribute-schema/migrations", WRITE, "Rename and remove attributes")
                .description(
                    "With `dry_run`, 200 and what it would come to. Without, 202: the schema has the new names at once, and the users \
                     are moved by a job; until it has come to a user, their attributes are moved when they are read by themselves or \
                     written. What it changes of users is in their histories, and one change with it: see `GET /v1/changes`.",
                )
                .fails(409, "Another change waits or is under way (`attribute_migration_under_way`)."),
            migrate_attributes,
        )
}

/// What shall be renamed and removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AttributeMigrationBody", extend("example" = serde_json::json!({
    "operations": [{ "rename": { "from": "department", "to": "unit" } }, { "remove": "fax" }], "dry_run": true
})))]
struct MigrationBody {
    /// One after the other.
    #[schemars(length(min = 1, max = 20))]
    operations: Vec<Operation>,
    /// Only say what it would come to.
    #[serde(default)]
    dry_run: bool,
}

/// What a migration comes to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeMigration")]
struct Migrated {
    operations: Vec<Preview>,
    dry_run: bool,
}

/// 200 when it is done, 202 when it will be.
struct Set<T> {
    status: StatusCode,
    revision: i64,
    body: T,
}

impl<T: Serialize> IntoResponse for Set<T> {
    fn into_response(self) -> Response {
        (self.status, Tagged { version: self.revision, body: self.body }).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Set<T> {
    type Inner = T;
    fn inferred_responses(context: &mut GenContext, _: &mut ApiOperation) -> Inferred {
        let tag = [("ETag", "The revision of the schema, for `If-Match`.")];
        let mut answers = with_body::<T>(context, 200, "Done.", &tag);
        answers.extend(with_body::<T>(context, 202, "It will be done.", &tag));
        answers
    }
}

async fn read_attribute_schema(caller: Caller, State(app): State<App>) -> AppResult<Tagged<Status>> {
    let mut tx = app.begin(&caller.origin).await?;
    let status = super::status(&mut tx).await?;
    tx.commit().await?;
    Ok(Tagged { version: status.revision, body: status })
}

async fn set_attribute_schema(
    caller: Caller,
    State(app): State<App>,
    if_match: IfMatch,
    Json(document): Json<Document>,
) -> AppResult<Set<Status>> {
    let mut tx = app.begin(&caller.origin).await?;
    let rules = super::lock_for_change(&mut tx).await?;
    if_match.require(rules.revision)?;
    let status = match super::put(&mut tx, &rules, document).await? {
        Outcome::InForce => StatusCode::OK,
        Outcome::Pending => StatusCode::ACCEPTED,
    };
    let body = super::status(&mut tx).await?;
    tx.commit().await?;
    Ok(Set { status, revision: body.revision, body })
}

async fn migrate_attributes(
    caller: Caller,
    State(app): State<App>,
    if_match: IfMatch,
    Json(body): Json<MigrationBody>,
) -> AppResult<Set<Migrated>> {
    let mut tx = app.begin(&caller.origin).await?;
    // Counting takes its time, and nobody who writes attributes shall wait for it.
    let operations = migration::preview(&mut tx, &body.operations).await?;
    let mut status = StatusCode::OK;
    if !body.dry_run {
        let rules = super::lock_for_change(&mut tx).await?;
        if_match.require(rules.revision)?;
        migration::begin(&mut tx, &rules, &body.operations).await?;
        status = StatusCode::ACCEPTED;
    }
    let revision = super::status(&mut tx).await?.revision;
    tx.commit().await?;
    Ok(Set { status, revision, body: Migrated { operations, dry_run: body.dry_run } })
}
