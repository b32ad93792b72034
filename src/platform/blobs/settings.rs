//! Where blobs are: `s3://bucket/prefix?endpoint=https://…&region=…`, or nothing for the data directory.

use secrecy::SecretString;
use url::Url;

/// Where blobs are.
#[derive(Debug, Clone, Default)]
pub enum BlobSettings {
    /// In the data directory.
    #[default]
    Local,
    /// In an S3-compatible store.
    S3(Box<S3Settings>),
}

/// Who asks. Without a key the store's client asks the machine for its role.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub key: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: Option<SecretString>,
    /// `AWS_SESSION_TOKEN`.
    pub token: Option<SecretString>,
    /// `AWS_REGION`, where the URL names none.
    pub region: Option<String>,
}

/// A bucket, and how it is reached.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// What all names begin with; may be empty.
    pub prefix: String,
    /// Another store than Amazon's.
    pub endpoint: Option<Url>,
    /// The region; `us-east-1` without one, which most other stores take.
    pub region: Option<String>,
    /// Whether the bucket is part of the host name (`virtual=true`), as Amazon's is.
    pub is_virtual: bool,
    /// Who asks.
    pub credentials: Credentials,
}

/// Why a URL names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlobs {
    /// It is something else.
    #[error("it is no address of a bucket, such as s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1")]
    NoBucket,
    /// The endpoint is no address.
    #[error("its endpoint is no http or https address")]
    Endpoint,
    /// What stands there means nothing.
    #[error("`{0}` is none of endpoint, region, virtual")]
    Unknown(String),
    /// Secrets belong elsewhere: URLs are printed.
    #[error("credentials do not belong into it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    Secret,
    /// Half a credential.
    #[error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or neither")]
    HalfKey,
}

impl BlobSettings {
    /// What a URL says.
    pub fn parse(text: &str, credentials: Credentials) -> Result<Self, InvalidBlobs> {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "s3").ok_or(InvalidBlobs::NoBucket)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBlobs::Secret);
        }
        if credentials.key.is_some() != credentials.secret.is_some() {
            return Err(InvalidBlobs::HalfKey);
        }
        let bucket = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidBlobs::NoBucket)?.to_owned();
        let prefix = url.path().trim_matches('/').to_owned();
        let region = credentials.region.clone();
        let mut settings = S3Settings { bucket, prefix, endpoint: None, region, is_virtual: false, credentials };
        for (name, value) in url.query_pairs() {
            match &*name {
                "endpoint" => {
                    let endpoint = Url::parse(&value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                    settings.endpoint = Some(endpoint.ok_or(InvalidBlobs::Endpoint)?);
                }
                "region" => settings.region = Some(value.into_owned()),
                "virtual" => settings.is_virtual = value == "true",
                _ => return Err(InvalidBlobs::Unknown(name.into_owned())),
            }
        }
        Ok(Self::S3(Box::new(settings)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<S3Settings, InvalidBlobs> {
        match BlobSettings::parse(text, Credentials { region: Some("eu-north-1".to_owned()), ..Credentials::default() })? {
            BlobSettings::S3(settings) => Ok(*settings),
            BlobSettings::Local => Err(InvalidBlobs::NoBucket),
        }
    }

    #[test]
    fn a_url_names_bucket_prefix_endpoint_and_region() {
        let plain = parse("s3://errors").unwrap();
        assert_eq!((&*plain.bucket, &*plain.prefix, plain.endpoint, plain.region.as_deref()), ("errors", "", None, Some("eu-north-1")));
        let full = parse("s3://errors/vedette/eu/?endpoint=http://127.0.0.1:9000&region=eu-central-1&virtual=true").unwrap();
        assert_eq!(
            (&*full.bucket, &*full.prefix, full.region.as_deref(), full.is_virtual),
            ("errors", "vedette/eu", Some("eu-central-1"), true)
        );
        assert_eq!(full.endpoint.unwrap().as_str(), "http://127.0.0.1:9000/");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, problem) in [
            ("/var/blobs", InvalidBlobs::NoBucket),
            ("https://bucket", InvalidBlobs::NoBucket),
            ("s3:///prefix", InvalidBlobs::NoBucket),
            ("s3://key:secret@bucket", InvalidBlobs::Secret),
            ("s3://bucket?endpoint=ftp://x", InvalidBlobs::Endpoint),
            ("s3://bucket?reigon=x", InvalidBlobs::Unknown("reigon".to_owned())),
        ] {
            assert_eq!(parse(text).map(|settings| settings.bucket), Err(problem), "{text}");
        }
        let half = Credentials { key: Some("k".to_owned()), ..Credentials::default() };
        assert_eq!(BlobSettings::parse("s3://bucket", half).map(|_| ()), Err(InvalidBlobs::HalfKey));
    }
}
