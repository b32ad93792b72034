//! Blobs in an S3-compatible store.
//!
//! Large files go up in parts, of which few are in memory at once. An upload that a crash leaves half done holds room in the store until it is
//! told to forget such (a lifecycle rule for incomplete multipart uploads); nothing of it can be read.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig, WriteMultipart};
use secrecy::ExposeSecret as _;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::settings::S3Settings;
use super::{BlobName, Content, Pieces, PutError};

/// Bytes of a part: the least that stores take. Files up to this size go up in one request.
const PART: usize = 5 << 20;
/// Parts of one file on their way at once.
const PARTS: usize = 2;
/// Bytes read from a file at once.
const PIECE: usize = 256 * 1024;
/// A store that says nothing for so long is away.
const SILENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct S3 {
    store: AmazonS3,
    prefix: String,
}

impl S3 {
    pub(super) fn new(settings: &S3Settings) -> anyhow::Result<Self> {
        // Somebody may have said so before; there is no other provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new().with_timeout_disabled().with_read_timeout(SILENCE).with_connect_timeout(CONNECT);
        // Whoever stores tries again by itself.
        let retry = RetryConfig { max_retries: 1, retry_timeout: SILENCE, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
            .with_virtual_hosted_style_request(settings.is_virtual)
            // One request per blob: some stores know no other.
            .with_disable_bulk_delete(true)
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/')).with_allow_http(endpoint.scheme() == "http");
        }
        if let (Some(key), Some(secret)) = (&settings.credentials.key, &settings.credentials.secret) {
            builder = builder.with_access_key_id(key).with_secret_access_key(secret.expose_secret());
        }
        if let Some(token) = &settings.credentials.token {
            builder = builder.with_token(token.expose_secret());
        }
        let store = builder.build().context("the settings of the blob store")?;
        Ok(Self { store, prefix: settings.prefix.clone() })
    }

    fn path(&self, name: &BlobName) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    pub(super) async fn put(&self, name: &BlobName, content: &Content) -> Result<(), PutError> {
        let path = self.path(name);
        let away = |error: object_store::Error| PutError::Store(error.into());
        match content {
            Content::Bytes(bytes) => self.store.put(&path, bytes.clone().into()).await.map(|_| ()).map_err(away),
            Content::File(source) => {
                let mut file = File::open(source).await.map_err(PutError::Source)?;
                if file.metadata().await.map_err(PutError::Source)?.len() <= PART as u64 {
                    let mut bytes = Vec::new();
                    file.read_to_end(&mut bytes).await.map_err(PutError::Source)?;
                    return self.store.put(&path, bytes.into()).await.map(|_| ()).map_err(away);
                }
                let mut upload = WriteMultipart::new_with_chunk_size(self.store.put_multipart(&path).await.map_err(away)?, PART);
                match send(&mut file, &mut upload).await {
                    Ok(()) => upload.finish().await.map(|_| ()).map_err(away),
                    Err(error) => {
                        let _ = upload.abort().await;
                        Err(error)
                    }
                }
            }
        }
    }

    pub(super) async fn get(&self, name: &BlobName) -> anyhow::Result<Option<Pieces>> {
        match self.store.get(&self.path(name)).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(std::io::Error::other).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn remove(&self, name: &BlobName) -> anyhow::Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

async fn send(file: &mut File, upload: &mut WriteMultipart) -> Result<(), PutError> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).await.map_err(PutError::Source)?;
        if read == 0 {
            return Ok(());
        }
        upload.wait_for_capacity(PARTS).await.map_err(|error| PutError::Store(error.into()))?;
        upload.write(&piece[..read]);
    }
}
