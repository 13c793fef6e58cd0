//! The files of pictures, in a folder or a bucket. A file is written once under a name that is never used again, and nobody lists them.

use std::path::Path as FolderPath;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::sync::OnceCell;

use crate::app::App;
use crate::config::{AvatarStorage, S3};
use crate::error::{AppError, AppResult, Rejection};

/// How long a bucket has to answer, and how long it is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
const REPEATED_WITHIN: Duration = Duration::from_secs(15);
const REPEATED: usize = 2;

/// What this process keeps of it.
#[derive(Default)]
struct Kept(OnceCell<Arc<dyn ObjectStore>>);

/// Opened where it is first needed.
pub struct Storage(Arc<dyn ObjectStore>);

impl Storage {
    /// The storage that the operator has set up, or a refusal that says which setting is missing.
    pub async fn open(app: &App) -> AppResult<Self> {
        let Some(settings) = &app.config.avatars else {
            let detail = "This server keeps no pictures. Its operator can say where they shall be: the setting is USHER_AVATARS.";
            return Err(Rejection::conflict("avatars_not_kept", detail).into());
        };
        let kept = app.kept::<Kept>();
        let store = kept.0.get_or_try_init(async || open(settings)).await.map_err(|error| unavailable(&error))?;
        Ok(Self(Arc::clone(store)))
    }

    pub async fn write(&self, file: &str, bytes: Vec<u8>) -> AppResult<()> {
        self.0.put(&Path::from(file), bytes.into()).await.map_err(|error| unavailable(&error.into()))?;
        Ok(())
    }

    /// Nothing when there is no such file.
    pub async fn read(&self, file: &str) -> AppResult<Option<Bytes>> {
        let read = async { self.0.get(&Path::from(file)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error.into())),
        }
    }

    /// One that is not there is removed already.
    pub async fn remove(&self, file: &str) -> AppResult<()> {
        match self.0.delete(&Path::from(file)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error.into())),
        }
    }
}

fn open(settings: &AvatarStorage) -> anyhow::Result<Arc<dyn ObjectStore>> {
    match settings {
        AvatarStorage::Folder(path) => open_folder(path),
        AvatarStorage::S3(s3) => open_bucket(s3),
    }
}

fn open_folder(path: &FolderPath) -> anyhow::Result<Arc<dyn ObjectStore>> {
    std::fs::create_dir_all(path).with_context(|| format!("making the folder of pictures, {}", path.display()))?;
    // A picture that was acknowledged survives a loss of power.
    let folder = LocalFileSystem::new_with_prefix(path).context("opening the folder of pictures")?.with_fsync(true);
    Ok(Arc::new(folder))
}

fn open_bucket(s3: &S3) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig { max_retries: REPEATED, retry_timeout: REPEATED_WITHIN, ..RetryConfig::default() };
    let client = ClientOptions::new().with_timeout(ANSWER_WITHIN).with_connect_timeout(CONNECTED_WITHIN);
    let mut builder = AmazonS3Builder::new()
        .with_client_options(client)
        .with_retry(retry)
        .with_bucket_name(&s3.bucket)
        .with_region(&s3.region)
        .with_access_key_id(&s3.key_id)
        .with_secret_access_key(s3.secret.expose());
    if let Some(endpoint) = &s3.endpoint {
        let origin = endpoint.as_str().trim_end_matches('/');
        builder = builder.with_endpoint(origin).with_allow_http(endpoint.scheme() == "http");
    }
    let bucket = builder.build().context("setting up the bucket of pictures")?;
    Ok(Arc::new(PrefixStore::new(bucket, s3.prefix.as_str())))
}

fn unavailable(error: &anyhow::Error) -> AppError {
    tracing::warn!(error = format!("{error:#}"), "the storage of pictures does not answer as it should");
    Rejection::unavailable("storage_unavailable", "The storage of pictures does not answer. Try again shortly.", 5).into()
}
