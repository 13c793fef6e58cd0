//! The imports API.

use axum::extract::{OriginalUri, State as AxumState};
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Class, FileFormat, Import, Match, Mode, Options, Preset, Report, Row, options};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::db::page::{self, Limit, Page};
use crate::error::{AppResult, FieldError, Rejection};
use crate::http::api::{Access, Op, PROOF_TO_GRANT, Routes};
use crate::http::body::Json;
use crate::http::output::{Accepted, Answer, Created, Listed};
use crate::http::params::{Part, Path, Query};
use crate::http::stream::Streamed;
use crate::http::upload::{Format, Upload};

const WRITE: Access = Access::Holding(Permission::UsersWrite);
/// Shown in a preview.
const SAMPLE: i64 = 20;

pub fn router() -> Routes {
    let op = |method, path, summary| Op::new(method, path, WRITE, "Imports", summary);
    let outranked = "The import was allowed something that the caller lacks (`target_outranks_caller`).";
    Routes::new()
        .op(
            op(Method::POST, "/v1/imports", "Upload a file of users")
                .description(
                    "Reads CSV, a JSON object a line, or a JSON array, up to 256 MiB as sent, perhaps compressed with gzip. Nothing of a user is touched: the rows are judged in the background, `GET /v1/imports/{id}` shows what would come of them, and its token applies them.",
                )
                .fails(422, "The file can't be read, or its columns are unknown (`unreadable_file`, `invalid_columns`)."),
            create_import,
        )
        .op(op(Method::GET, "/v1/imports", "List imports").description("Newest first, without counts."), list_imports)
        .op(
            op(Method::GET, "/v1/imports/{id}", "Read an import")
                .description("Its state, the counts of its rows, the first of them, and the token to apply it with.")
                .fails(403, outranked),
            read_import,
        )
        .op(
            op(Method::GET, "/v1/imports/{id}/rows", "List the rows of an import")
                .description("In the order of the file, with what each changes or what is wrong with it.")
                .fails(403, outranked),
            list_import_rows,
        )
        .op(
            op(Method::GET, "/v1/imports/{id}/report", "Download what is not clean in an import")
                .description("CSV: line, class, field, code and detail of every conflict and every invalid row.")
                .fails(403, outranked),
            download_import_report,
        )
        .op(
            op(Method::POST, "/v1/imports/{id}/apply", "Apply an import")
                .description(
                    "In the background. Every row is judged again when its turn comes. All it changes is the change set of the same id: `POST /v1/changes/{id}/undo` undoes it.",
                )
                .fails(401, PROOF_TO_GRANT)
                .fails(403, outranked)
                .fails(409, "Its rows are still being judged, or it has been begun already (`invalid_state`)."),
            apply_import,
        )
        .op(
            op(Method::POST, "/v1/imports/{id}/pause", "Pause an import")
                .fails(403, outranked)
                .fails(409, "It is not going on (`invalid_state`)."),
            pause_import,
        )
        .op(
            op(Method::POST, "/v1/imports/{id}/resume", "Let a paused import go on")
                .fails(403, outranked)
                .fails(409, "It is not paused (`invalid_state`)."),
            resume_import,
        )
}

#[derive(Deserialize, JsonSchema)]
struct ImportPath {
    /// The import's id.
    id: Uuid,
}

/// How the file is read, and what comes of its rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportParameters")]
struct Parameters {
    /// `create_only` leaves users alone who are there; `upsert` changes them.
    #[serde(default)]
    mode: Mode,
    /// What says that a row is about a user.
    #[serde(default, rename = "match")]
    matching: Match,
    /// Between the cells of CSV: one sign, or `tab`. A comma when left out.
    delimiter: Option<String>,
    /// `header=field` pairs, separated by commas; `header=-` leaves a column out.
    map: Option<String>,
    /// Whose export it is.
    preset: Option<Preset>,
    /// New users get the ids of the file; needs `roles:assign`.
    #[serde(default)]
    keep_ids: bool,
    /// Addresses count as verified where the file does not say; needs `roles:assign`.
    #[serde(default)]
    assume_verified: bool,
    /// New users without a password get a mail to choose one.
    #[serde(default)]
    invite: bool,
    /// Of Firebase: `signer_key,salt_separator,rounds,mem_cost`.
    hash_config: Option<String>,
    /// The name of the file, for people.
    #[schemars(length(max = 200))]
    source: Option<String>,
}

/// An import and the first of its rows.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImportPreview")]
struct Preview {
    #[serde(flatten)]
    import: Import,
    sample: Vec<Row>,
}

/// What shows that the preview was seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportToken")]
struct Token {
    #[schemars(length(min = 1, max = 100))]
    token: String,
    /// Why; kept in the audit trail. `X-Reason` does the same.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// Which rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImportRowFilter")]
struct RowFilter {
    /// At most so many items.
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only these.
    class: Option<Class>,
}

fn options_of(parameters: &Parameters, format: Format) -> Result<Options, Rejection> {
    let fault =
        |name: &'static str| move |why: String| Rejection::invalid_query(vec![FieldError::at_parameter(name, "invalid", why)]);
    Ok(Options {
        format: match format {
            Format::Csv => FileFormat::Csv,
            Format::Ndjson => FileFormat::Ndjson,
            Format::Json => FileFormat::Json,
        },
        mode: parameters.mode,
        matching: parameters.matching,
        delimiter: parameters.delimiter.as_deref().map(options::read_delimiter).transpose().map_err(fault("delimiter"))?,
        map: options::read_map(parameters.map.as_deref()).map_err(fault("map"))?,
        preset: parameters.preset,
        keep_ids: parameters.keep_ids,
        assume_verified: parameters.assume_verified,
        invite: parameters.invite,
        hash_config: parameters.hash_config.clone(),
    })
}

async fn create_import(
    caller: Caller,
    AxumState(app): AxumState<App>,
    Query(parameters): Query<Parameters>,
    upload: Upload,
) -> AppResult<Created<Import>> {
    let options = options_of(&parameters, upload.format)?;
    let source = parameters.source.as_deref().unwrap_or("upload");
    let import = super::upload(&app, caller.authority(), &caller.origin, options, source, upload.into_reader()).await?;
    Created::unversioned(format!("/v1/imports/{}", import.id), &import)
}

async fn list_imports(
    caller: Caller,
    AxumState(app): AxumState<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Import>> {
    let before: Option<(Timestamp, Uuid)> = part.cursor.as_deref().map(page::decode).transpose()?;
    let mut tx = app.begin(&caller.origin).await?;
    let imports = super::list(&mut tx, caller.authority(), before, part.limit.and_one()).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(imports, part.limit, |import| (import.created_at, import.id)), here })
}

async fn read_import(caller: Caller, AxumState(app): AxumState<App>, Path(path): Path<ImportPath>) -> AppResult<Answer<Preview>> {
    let mut tx = app.begin(&caller.origin).await?;
    let import = super::read(&mut tx, caller.authority(), path.id).await?;
    let sample = super::list_rows(&mut tx, path.id, None, 0, SAMPLE).await?;
    tx.commit().await?;
    Ok(Answer(Preview { import, sample }))
}

async fn list_import_rows(
    caller: Caller,
    AxumState(app): AxumState<App>,
    OriginalUri(here): OriginalUri,
    Path(path): Path<ImportPath>,
    Query(filter): Query<RowFilter>,
) -> AppResult<Listed<Row>> {
    let after: Option<i64> = filter.cursor.as_deref().map(page::decode).transpose()?;
    let mut tx = app.begin(&caller.origin).await?;
    super::read(&mut tx, caller.authority(), path.id).await?;
    let rows = super::list_rows(&mut tx, path.id, filter.class, after.unwrap_or(0), filter.limit.and_one()).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(rows, filter.limit, |row| row.position), here })
}

async fn download_import_report(
    caller: Caller,
    AxumState(app): AxumState<App>,
    Path(path): Path<ImportPath>,
) -> AppResult<Streamed> {
    let mut tx = app.begin(&caller.origin).await?;
    super::read(&mut tx, caller.authority(), path.id).await?;
    tx.commit().await?;
    Ok(Report::of(path.id).into_answer(app, caller.origin))
}

async fn apply_import(
    mut caller: Caller,
    AxumState(app): AxumState<App>,
    Path(path): Path<ImportPath>,
    Json(body): Json<Token>,
) -> AppResult<Accepted<Import>> {
    caller.origin.reason = body.reason.or(caller.origin.reason);
    let mut tx = app.begin(&caller.origin).await?;
    let import = super::apply(&mut tx, caller.authority(), path.id, &body.token).await?;
    tx.commit().await?;
    Accepted::new(&import)
}

async fn pause_import(caller: Caller, AxumState(app): AxumState<App>, Path(path): Path<ImportPath>) -> AppResult<Answer<Import>> {
    let mut tx = app.begin(&caller.origin).await?;
    let import = super::set_paused(&mut tx, caller.authority(), path.id, true).await?;
    tx.commit().await?;
    Ok(Answer(import))
}

async fn resume_import(
    caller: Caller,
    AxumState(app): AxumState<App>,
    Path(path): Path<ImportPath>,
) -> AppResult<Answer<Import>> {
    let mut tx = app.begin(&caller.origin).await?;
    let import = super::resume(&mut tx, caller.authority(), path.id).await?;
    tx.commit().await?;
    Ok(Answer(import))
}
