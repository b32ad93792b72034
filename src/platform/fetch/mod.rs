//! # Outbound HTTP: requests to addresses that people typed
//! **Promise.** A request goes to the internet only: an address of this machine, this network or a cloud's metadata is refused unless
//! `VEDETTE_OUTBOUND_ALLOW` names it. It ends within [`PATIENCE`], reads [`MOST_READ`] bytes of an answer at most, and no error prints the address.
//! **How.** Names are resolved by [`Resolver`], which hands out only addresses that the [`guard`] lets pass, and the connection goes to those: nothing is
//! resolved twice. Addresses in place of names are checked before the connection. Redirects that keep method and body (307, 308) are followed by hand, each
//! checked like the first; others would turn a POST into something else, and are the answer. No proxy is used: it would resolve names by itself.
//! **When it breaks.** [`FetchError`] says whether another attempt is worth it. **Not here.** Blobs (`platform::blobs` talks to one store that the operator set).

pub mod guard;

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use http::{HeaderMap, StatusCode, header};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, redirect};
use url::{Host, Url};

pub use guard::Allowed;

/// How long a request may take, redirects and answer included.
pub const PATIENCE: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
pub const MOST_READ: usize = 4096;
/// Redirects that are followed.
const MOST_REDIRECTS: usize = 3;

/// What an address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// The beginning of its body, as text.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address must not be asked; asking again changes nothing.
    #[error("{0}")]
    Refused(String),
    /// It may be there later.
    #[error("{0}")]
    Away(String),
}

/// A closed address, found by its name.
#[derive(Debug)]
struct Closed {
    address: IpAddr,
    what: &'static str,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, and VEDETTE_OUTBOUND_ALLOW does not name it", self.address, self.what)
    }
}

impl std::error::Error for Closed {}

/// Resolves names to addresses that may be asked.
#[derive(Debug, Clone)]
struct Resolver(Arc<Allowed>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.0);
        Box::pin(async move {
            let (mut open, mut closed) = (Vec::new(), None);
            for found in tokio::net::lookup_host((name.as_str(), 0)).await? {
                match allowed.refusal(found.ip()) {
                    None => open.push(SocketAddr::new(found.ip(), 0)),
                    Some(what) => closed = Some(Closed { address: found.ip(), what }),
                }
            }
            match closed {
                Some(closed) if open.is_empty() => Err(closed.into()),
                _ => Ok(Box::new(open.into_iter()) as Addrs),
            }
        })
    }
}

/// Sends requests. Clones share their connections.
#[derive(Debug, Clone, Default)]
pub struct Fetch {
    allowed: Arc<Allowed>,
    /// Made for the first request: most installations never send one.
    client: Arc<OnceLock<Client>>,
}

impl Fetch {
    /// Asks the internet, and what is allowed beside.
    pub fn new(allowed: Allowed) -> Self {
        Self { allowed: Arc::new(allowed), client: Arc::default() }
    }

    /// What speaks against an address, as far as that is known without resolving names.
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        let literal = match url.host() {
            _ if !matches!(url.scheme(), "http" | "https") => return Err(FetchError::Refused("it is no http or https address".to_owned())),
            None => return Err(FetchError::Refused("it names no host".to_owned())),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        let closed = self.allowed.refusal(literal).map(|what| Closed { address: literal, what });
        closed.map_or(Ok(()), |closed| Err(FetchError::Refused(closed.to_string())))
    }

    /// Posts a body. Headers that carry a secret go to the first address's host only.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, FetchError> {
        let asked = self.follow(url.clone(), headers, body);
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn follow(&self, mut url: Url, mut headers: HeaderMap, body: Vec<u8>) -> Result<Answer, FetchError> {
        for _ in 0..=MOST_REDIRECTS {
            self.check(&url)?;
            let client = self.client().map_err(|error| FetchError::Away(format!("{error:#}")))?;
            let sent = client.post(url.clone()).headers(headers.clone()).body(body.clone()).send().await;
            let response = sent.map_err(|error| told(&error))?;
            let is_followed = matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            let Some(next) = is_followed.then(|| next(&url, &response)).flatten() else { return Ok(answer(response).await) };
            if next.origin() != url.origin() {
                headers.remove(header::AUTHORIZATION);
            }
            url = next;
        }
        Err(FetchError::Refused(format!("it redirects more than {MOST_REDIRECTS} times")))
    }

    fn client(&self) -> anyhow::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls().context("no client for HTTPS can be made")?)
            .dns_resolver(Resolver(Arc::clone(&self.allowed)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("Vedette/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("no client for HTTPS can be made")?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Whom to believe: the well-known authorities, which come along because small images have none, and those of this machine.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn silent() -> FetchError {
    FetchError::Away(format!("no answer within {} s", PATIENCE.as_secs()))
}

fn next(url: &Url, response: &Response) -> Option<Url> {
    url.join(response.headers().get(header::LOCATION)?.to_str().ok()?).ok()
}

/// The innermost reason, without the address.
fn told(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return silent();
    }
    let mut reason = "it cannot be reached".to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(closed) = cause.downcast_ref::<Closed>() {
            return FetchError::Refused(closed.to_string());
        }
        reason = format!("it cannot be reached: {cause}");
        source = cause.source();
    }
    FetchError::Away(reason)
}

async fn answer(mut response: Response) -> Answer {
    let mut body = Vec::new();
    // An answer that breaks off has been given.
    while body.len() < MOST_READ
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(MOST_READ);
    Answer { status: response.status(), body: String::from_utf8_lossy(&body).into_owned() }
}

#[cfg(test)]
mod tests;
