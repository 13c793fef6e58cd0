//! Pictures of people. What is sent is drawn anew and lies in the storage under a random name, which is never used for another picture:
//! two people have no file in common, so whoever removes one need not ask who else has it, and every URL is good for ever.
//!
//! The order of writes: first the row in `avatars`, then the files, then the picture of the user. So every file is known, none that was
//! acknowledged is missing, and what was given up on the way is removed an hour later. Removing goes the other way round.

mod api;
pub(crate) mod images;
mod jobs;
mod pages;
mod storage;
mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use tokio::sync::Semaphore;

pub use api::router;
pub use images::{Drawn, Format};
pub use jobs::register;
pub use pages::{faults, router as pages, sent};

use images::Files;
use storage::Storage;

use crate::app::App;
use crate::caller::Authority;
use crate::db::{Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::pictures::{LARGE, SMALL};
use crate::secret::random_bytes;
use crate::users::{self, User};

/// Largest file that is sent, in bytes.
pub const SENT_MAX: usize = 5 * 1024 * 1024;
/// Pictures that a process draws at the same time: each may take a hundred MB.
const DRAWN_AT_ONCE: usize = 2;
/// How long a picture waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// Who draws.
struct Easels(Arc<Semaphore>);

impl Default for Easels {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(DRAWN_AT_ONCE)))
    }
}

/// A picture as it was sent.
pub struct Sent {
    pub bytes: Bytes,
    /// What it is said to be.
    pub format: Format,
}

impl Sent {
    /// What a browser calls a file goes by its name: its first bytes say what it is.
    pub fn of(bytes: Bytes) -> AppResult<Self> {
        let format = Format::of(&bytes).ok_or_else(images::unreadable)?;
        Ok(Self { bytes, format })
    }
}

/// Gives the user this picture. Begins transactions of its own: nothing is drawn or written to the storage within one.
pub async fn set(app: &App, origin: &Origin, by: Authority, id: UserId, sent: Sent) -> AppResult<User> {
    let storage = Storage::open(app).await?;
    let files = draw(app, sent).await?;
    let name = format!("{}.{}", HEXLOWER.encode(&random_bytes::<16>()), files.extension);
    let mut tx = app.begin(origin).await?;
    users::refuse_deleted(&users::lock(&mut tx, by, id).await?)?;
    store::insert_avatar(&mut tx, &name, id).await?;
    tx.commit().await?;
    for (side, bytes) in files.sizes {
        storage.write(&file_of(&name, side), bytes).await?;
    }
    let mut tx = app.begin(origin).await?;
    let before = users::lock(&mut tx, by, id).await?;
    let user = users::set_avatar(&mut tx, &before, Some(&name)).await?;
    let_go(&mut tx, &before).await?;
    tx.commit().await?;
    Ok(user)
}

/// Takes the user's picture away. Without one there is nothing to do.
pub async fn remove(tx: &mut Tx, before: &User) -> AppResult<User> {
    if before.avatar.is_none() {
        return Ok(before.clone());
    }
    let user = users::set_avatar(tx, before, None).await?;
    let_go(tx, before).await?;
    Ok(user)
}

/// The files of the picture that the user had are removed after this.
async fn let_go(tx: &mut Tx, before: &User) -> AppResult<()> {
    match &before.avatar {
        Some(name) => jobs::enqueue(tx, name).await,
        None => Ok(()),
    }
}

async fn draw(app: &App, sent: Sent) -> AppResult<Files> {
    in_turn(app, sent, images::draw).await
}

/// Draws a picture that is none of a person, no wider and no higher than this.
pub async fn draw_within(app: &App, sent: Sent, most: (u32, u32)) -> AppResult<Drawn> {
    in_turn(app, sent, move |bytes, format| images::draw_within(bytes, format, most)).await
}

/// On a thread that may be busy for as long as it takes.
async fn in_turn<T: Send + 'static>(
    app: &App,
    sent: Sent,
    draw: impl FnOnce(&[u8], Format) -> AppResult<T> + Send + 'static,
) -> AppResult<T> {
    if Format::of(&sent.bytes) != Some(sent.format) {
        return Err(images::unreadable().into());
    }
    let easels = Arc::clone(&app.kept::<Easels>().0);
    let Ok(turn) = tokio::time::timeout(TURN_WITHIN, easels.acquire_owned()).await else {
        return Err(Rejection::unavailable("overloaded", "Too many pictures are being drawn. Try again shortly.", 5).into());
    };
    let turn = turn.context("nobody closes the semaphore")?;
    let drawing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        draw(&sent.bytes, sent.format)
    });
    drawing.await.context("drawing a picture")?
}

/// The file with this side of the picture of this name.
fn file_of(name: &str, side: u32) -> String {
    match name.split_once('.') {
        Some((stem, extension)) => format!("{stem}-{side}.{extension}"),
        None => name.to_owned(),
    }
}

/// A file that was asked for by its name, and its media type. Nothing when it is not there, or when no file has such a name.
async fn find_file(app: &App, file: &str) -> AppResult<Option<(Bytes, &'static str)>> {
    let (Some(media_type), true) = (media_type(file), app.config.avatars.is_some()) else { return Ok(None) };
    let found = Storage::open(app).await?.read(file).await?;
    Ok(found.map(|bytes| (bytes, media_type)))
}

/// Of a name that [`file_of`] makes.
fn media_type(file: &str) -> Option<&'static str> {
    let (stem, extension) = file.split_once('.')?;
    let (random, side) = stem.split_once('-')?;
    let is_random = random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_random || ![LARGE, SMALL].iter().any(|known| known.to_string() == side) {
        return None;
    }
    match extension {
        "jpg" => Some("image/jpeg"),
        "png" => Some("image/png"),
        _ => None,
    }
}
