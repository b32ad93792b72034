//! `VEDETTE_SMTP_URL`: `smtp://user:password@mail.example.org:587?tls=required`.
//!
//! | scheme | TLS | port |
//! |---|---|---|
//! | `smtps` | from the first byte | 465 |
//! | `smtp+starttls` | STARTTLS, or the mail is not sent | 587 |
//! | `smtp` | `?tls=required`, `opportunistic` or `none`; unsaid: `none` to this machine, `required` with a password, else `opportunistic` | 25, or 587 with STARTTLS required |
//!
//! User and password are percent-encoded. A path is the name to say in `EHLO`.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as LettreTls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Connections that stay open for the next mail; `platform::outbox` bounds how many are in use.
const CONNECTIONS: u32 = 2;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// By STARTTLS if the server offers it.
    Opportunistic,
    /// By STARTTLS, or not sent.
    Required,
    /// From the first byte.
    Wrapper,
}

/// Where mails go out.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// The user's name and password.
    credentials: Option<(String, SecretString)>,
    /// What to say in `EHLO`; none = this machine's name.
    hello: Option<String>,
}

/// What is wrong with the mail settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not a URL of ours. The URL itself may hold a password and is not repeated.
    #[error("VEDETTE_SMTP_URL is not understood: {0}")]
    Url(String),
    /// The sender is not an address.
    #[error("the sender {sender:?} is not a mail address such as `Vedette <vedette@example.org>`")]
    Sender {
        /// What was given.
        sender: String,
    },
    /// The server's name cannot be in a certificate.
    #[error("TLS to {host} cannot be set up: {reason}")]
    Tls {
        /// The server.
        host: String,
        /// lettre's words.
        reason: String,
    },
}

impl SmtpSettings {
    /// Reads the URL.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let wrong = |why: &str| SettingsError::Url(why.to_owned());
        let url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no server (smtp://HOST)"))?;
        let decode = |part: &str| percent(part).ok_or_else(|| wrong("user and password must be percent-encoded UTF-8"));
        let credentials = match url.password() {
            Some(password) => Some((decode(url.username())?, SecretString::from(decode(password)?))),
            None if url.username().is_empty() => None,
            None => return Err(wrong("it names a user without a password")),
        };
        let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let tls = match (url.scheme(), asked.as_deref()) {
            ("smtps", None) => Tls::Wrapper,
            ("smtp+starttls", None) | ("smtp", Some("required")) => Tls::Required,
            ("smtp", Some("opportunistic")) => Tls::Opportunistic,
            ("smtp", Some("none")) => Tls::None,
            ("smtp", None) => usual(&url, credentials.is_some()),
            ("smtp", Some(_)) => return Err(wrong("tls is one of required, opportunistic, none")),
            ("smtps" | "smtp+starttls", Some(_)) => return Err(wrong("tls= belongs to smtp:// only")),
            _ => return Err(wrong("it starts with smtp://, smtps:// or smtp+starttls://")),
        };
        let port = url.port().unwrap_or(match tls {
            Tls::Wrapper => 465,
            Tls::Required => 587,
            Tls::None | Tls::Opportunistic => 25,
        });
        // A certificate and a socket name an IPv6 address without its brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let hello = Some(url.path().trim_matches('/').to_owned()).filter(|name| !name.is_empty());
        Ok(Self { host, port, tls, credentials, hello })
    }

    pub(super) fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, SettingsError> {
        let parameters = || {
            TlsParameters::new(self.host.clone()).map_err(|error| SettingsError::Tls { host: self.host.clone(), reason: error.to_string() })
        };
        let tls = match self.tls {
            Tls::None => LettreTls::None,
            Tls::Opportunistic => LettreTls::Opportunistic(parameters()?),
            Tls::Required => LettreTls::Required(parameters()?),
            Tls::Wrapper => LettreTls::Wrapper(parameters()?),
        };
        // "Dangerous" is lettre's word for a builder without TLS; it is set in the next line.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.clone())
            .tls(tls)
            .port(self.port)
            .timeout(Some(CONNECT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        if let Some(name) = &self.hello {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        Ok(builder.build())
    }
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{} (tls {:?}, {})",
            self.host,
            self.port,
            self.tls,
            if self.credentials.is_some() { "with a password" } else { "no password" }
        )
    }
}

/// What `smtp://` means when the URL does not say: nothing to encrypt on this machine (whose server has seldom a certificate that anybody
/// trusts), a password never in the clear elsewhere.
fn usual(url: &Url, password: bool) -> Tls {
    let here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // `url` keeps addresses of unknown schemes as names.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost") || name.starts_with("127."),
        None => false,
    };
    match (here, password) {
        (true, _) => Tls::None,
        (false, true) => Tls::Required,
        (false, false) => Tls::Opportunistic,
    }
}

/// Decodes `%41`; none when the bytes are not UTF-8. (`+` stays a plus: this is no form.)
fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = (byte == b'%').then(|| after.get(..2).and_then(|two| hex::decode(two).ok())).flatten();
        if let Some(code) = code {
            bytes.extend(code);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}
