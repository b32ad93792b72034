//! # Settings
//! **Promise.** Everything has a default and a line in `docs/OPERATING.md`; what is wrong is said all at once, with the name of the setting and
//! what it should look like; secrets are never printed. **How.** clap reads flags and environment into [`Options`]; [`Options::parse`] turns
//! their texts into [`Settings`]. **Not here.** Settings of a project (`projects`).

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::platform::blobs::{BlobSettings, Credentials};
use crate::platform::db;
use crate::platform::fetch::Allowed;
use crate::platform::mail::{Mailer, SmtpSettings};
use crate::platform::seal::Seal;
use crate::platform::telemetry::LogFormat;
use crate::protocol::Limits;

mod limits;

/// Where the server listens when nothing else is set.
const LISTEN: &str = "127.0.0.1:8000";

/// Flags and environment variables that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Where journal, keys and the managed PostgreSQL live [default: ./data]
    #[arg(long, env = "VEDETTE_DATA_DIR", global = true, value_parser = clap::builder::OsStringValueParser::new())]
    pub data_dir: Option<OsString>,
    /// Where to listen [default: 127.0.0.1:8000]; other commands print addresses by it while no server runs
    #[arg(long, env = "VEDETTE_LISTEN", global = true)]
    pub listen: Option<String>,
    /// Another PostgreSQL than the managed one in the data directory: postgres://user:password@host/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, hide = true, global = true)]
    pub database_url: Option<String>,
    /// The public address, such as `https://errors.example.org`: DSNs and links in mails use it [default: http:// and the listen address]
    #[arg(long, env = "VEDETTE_URL", global = true)]
    pub url: Option<String>,
    /// What is logged, as RUST_LOG [default: info]
    #[arg(long, env = "VEDETTE_LOG", global = true, hide = true)]
    pub log: Option<String>,
    /// How log lines look: text or json [default: text]
    #[arg(long, env = "VEDETTE_LOG_FORMAT", global = true, hide = true)]
    pub log_format: Option<String>,
}

/// Flags and environment variables of `vedette serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The first account, with VEDETTE_ADMIN_PASSWORD
    #[arg(long, env = "VEDETTE_ADMIN_EMAIL", hide = true)]
    pub admin_email: Option<String>,
    /// The first account's password
    #[arg(long, env = "VEDETTE_ADMIN_PASSWORD", hide = true, hide_env_values = true)]
    pub admin_password: Option<String>,
    /// smtp://user:password@host:587, smtps://… or smtp://…?tls=required; without it mails are kept in the log
    #[arg(long, env = "VEDETTE_SMTP_URL", hide = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The sender of mails
    #[arg(long, env = "VEDETTE_MAIL_FROM", hide = true)]
    pub mail_from: Option<String>,
    /// Whose X-Forwarded-For is believed: addresses, blocks, loopback, private, *
    #[arg(long, env = "VEDETTE_TRUSTED_PROXIES", hide = true)]
    pub trusted_proxies: Option<String>,
    /// Days that events are kept [default: 90]
    #[arg(long, env = "VEDETTE_RETENTION_DAYS", hide = true)]
    pub retention_days: Option<String>,
    /// Disk that waiting events may take, in MiB [default: 1024]
    #[arg(long, env = "VEDETTE_JOURNAL_MIB", hide = true)]
    pub journal_mib: Option<String>,
    /// What requests and items may measure, as event=2MiB,attachment=50MiB
    #[arg(long, env = "VEDETTE_LIMITS", hide_short_help = true, long_help = limits::help())]
    pub limits: Option<String>,
    /// Where attachments go: s3://bucket/prefix?endpoint=https://…&region=…; without it into the data directory
    #[arg(long, env = "VEDETTE_BLOBS_URL", hide = true)]
    pub blobs_url: Option<String>,
    /// A MaxMind database of places, such as GeoLite2-City.mmdb: users then have a city and a country
    #[arg(long, env = "VEDETTE_GEOIP", hide = true)]
    pub geoip: Option<String>,
    /// What webhooks may reach beside the internet: addresses, blocks, loopback, private, *
    #[arg(long, env = "VEDETTE_OUTBOUND_ALLOW", hide = true)]
    pub outbound_allow: Option<String>,
    /// What keeps secrets in the database: 64 hex digits [default: a file in the data directory]
    #[arg(long, env = "VEDETTE_SECRET_KEY", hide = true, hide_env_values = true)]
    pub secret_key: Option<String>,
    /// The key of the bucket
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide = true, hide_env_values = true)]
    pub aws_access_key_id: Option<String>,
    /// Its secret
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide = true, hide_env_values = true)]
    pub aws_secret_access_key: Option<String>,
    /// What temporary keys need beside it
    #[arg(long, env = "AWS_SESSION_TOKEN", hide = true, hide_env_values = true)]
    pub aws_session_token: Option<String>,
    /// The bucket's region, where the address names none
    #[arg(long, env = "AWS_REGION", hide = true)]
    pub aws_region: Option<String>,
}

/// What later rooms know of settings: each says what is wrong with its own.
#[derive(Debug, Clone, Copy)]
pub struct Checks {
    /// Whether an account can be made with this address and password.
    pub account: fn(&str, &SecretString) -> Result<(), String>,
    /// Whether this is a list of proxies.
    pub proxies: fn(&str) -> Result<(), String>,
    /// Whether the file of that name is a database of places.
    pub places: fn(&str) -> Result<(), String>,
    /// Whether the public address may have this path.
    pub path: fn(&str) -> Result<(), String>,
}

/// The settings, understood.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host and port.
    pub listen: String,
    /// Where everything lives.
    pub data_dir: PathBuf,
    /// An external PostgreSQL.
    pub database_url: Option<SecretString>,
    /// The public address, if it is set.
    pub url: Option<Url>,
    /// The first account.
    pub admin: Option<(String, SecretString)>,
    /// Where mails go out.
    pub smtp: Option<SmtpSettings>,
    /// The sender of mails, if it is set.
    pub mail_from: Option<String>,
    /// Whose `X-Forwarded-For` is believed; read by `ingest`.
    pub trusted_proxies: String,
    /// Days of events, today included.
    pub retention_days: u32,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// What requests and items may measure.
    pub limits: Limits,
    /// Where attachments go.
    pub blobs: BlobSettings,
    /// A MaxMind database of places.
    pub geoip: Option<PathBuf>,
    /// What webhooks may reach beside the internet.
    pub outbound: Allowed,
    /// What keeps secrets in the database, if it is set.
    pub secret_key: Option<SecretString>,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings need a correction:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Problems {
    fn note<T, E: fmt::Display>(&mut self, name: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.0.push(format!("{name}: {error}"))).ok()
    }

    fn note_all<T>(&mut self, name: &str, result: Result<T, Vec<String>>) -> Option<T> {
        result.map_err(|errors| self.0.extend(errors.into_iter().map(|error| format!("{name}: {error}")))).ok()
    }

    fn database_url<'a>(&mut self, common: &'a Common) -> Option<&'a str> {
        let url = filled(common.database_url.as_deref())?;
        self.note("DATABASE_URL", db::url_problem(url).map_or(Ok(url), Err))
    }
}

impl Common {
    /// How log lines look; text where it is neither.
    pub fn log_format(&self) -> LogFormat {
        if filled(self.log_format.as_deref()) == Some("json") { LogFormat::Json } else { LogFormat::Text }
    }

    /// Where everything lives.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.as_ref().filter(|dir| !dir.is_empty()).map_or_else(|| PathBuf::from("./data"), PathBuf::from)
    }

    /// Where to listen, as far as that is set.
    pub fn listen(&self) -> &str {
        filled(self.listen.as_deref()).unwrap_or(LISTEN)
    }

    /// What is logged.
    pub fn log(&self) -> &str {
        filled(self.log.as_deref()).unwrap_or("info")
    }

    /// The external PostgreSQL, if one is set.
    pub fn parse_database_url(&self) -> Result<Option<&str>, Problems> {
        let mut problems = Problems::default();
        let url = problems.database_url(self);
        if problems.0.is_empty() { Ok(url) } else { Err(problems) }
    }

    /// The public address, if it is set.
    pub fn parse_url(&self) -> Result<Option<Url>, Problems> {
        let mut problems = Problems::default();
        let url = filled(self.url.as_deref()).and_then(|text| problems.note("VEDETTE_URL", parse_url(text)));
        if problems.0.is_empty() { Ok(url) } else { Err(problems) }
    }
}

impl Options {
    /// The settings, or everything that is wrong with them.
    pub fn parse(&self, common: &Common, checks: Checks) -> Result<Settings, Problems> {
        let mut problems = Problems::default();
        let url = filled(common.url.as_deref()).and_then(|text| problems.note("VEDETTE_URL", parse_url(text)));
        url.as_ref().map(|url| problems.note("VEDETTE_URL", (checks.path)(url.path())));
        let smtp = filled(self.smtp_url.as_deref()).and_then(|text| problems.note("VEDETTE_SMTP_URL", SmtpSettings::parse(text)));
        let database_url = problems.database_url(common);
        let mail_from = filled(self.mail_from.as_deref());
        mail_from.map(|sender| problems.note("VEDETTE_MAIL_FROM", Mailer::check_sender(sender)));
        let trusted_proxies = filled(self.trusted_proxies.as_deref()).unwrap_or_default();
        problems.note("VEDETTE_TRUSTED_PROXIES", (checks.proxies)(trusted_proxies));
        let admin = match (filled(self.admin_email.as_deref()), filled(self.admin_password.as_deref())) {
            (Some(email), Some(password)) => {
                let password = SecretString::from(password);
                problems.note("VEDETTE_ADMIN_EMAIL, VEDETTE_ADMIN_PASSWORD", (checks.account)(email, &password));
                Some((email.to_owned(), password))
            }
            (None, None) => None,
            _ => {
                problems
                    .0
                    .push("VEDETTE_ADMIN_EMAIL and VEDETTE_ADMIN_PASSWORD make the first account together: set both or neither".to_owned());
                None
            }
        };
        let blobs = filled(self.blobs_url.as_deref())
            .and_then(|text| problems.note("VEDETTE_BLOBS_URL", BlobSettings::parse(text, self.credentials())));
        let geoip = filled(self.geoip.as_deref());
        geoip.map(|file| problems.note("VEDETTE_GEOIP", (checks.places)(file)));
        let outbound =
            problems.note("VEDETTE_OUTBOUND_ALLOW", filled(self.outbound_allow.as_deref()).unwrap_or_default().parse::<Allowed>());
        let secret_key = filled(self.secret_key.as_deref()).map(SecretString::from);
        secret_key.as_ref().map(|key| problems.note("VEDETTE_SECRET_KEY", Seal::new(key)));
        let retention_days = problems
            .note("VEDETTE_RETENTION_DAYS", whole_number(filled(self.retention_days.as_deref()).unwrap_or("90"), (1, 3650), "days"));
        let journal_mib =
            problems.note("VEDETTE_JOURNAL_MIB", whole_number(filled(self.journal_mib.as_deref()).unwrap_or("1024"), (64, 1 << 20), "MiB"));
        let journal_bytes = journal_mib.unwrap_or(1024) << 20;
        let limits = problems.note_all("VEDETTE_LIMITS", limits::parse(filled(self.limits.as_deref()).unwrap_or_default(), journal_bytes));
        let listen = common.listen();
        if !listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            problems.0.push(format!("VEDETTE_LISTEN: `{listen}` is no address with a port, such as 127.0.0.1:8000 or [::]:8000"));
        }
        let log_format = filled(common.log_format.as_deref()).unwrap_or("text");
        if !matches!(log_format, "text" | "json") {
            problems.0.push(format!("VEDETTE_LOG_FORMAT: `{log_format}` is neither text nor json"));
        }
        if !problems.0.is_empty() {
            return Err(problems);
        }
        Ok(Settings {
            listen: listen.to_owned(),
            data_dir: common.data_dir(),
            database_url: database_url.map(SecretString::from),
            url,
            admin,
            smtp,
            mail_from: mail_from.map(str::to_owned),
            trusted_proxies: trusted_proxies.to_owned(),
            retention_days: retention_days.unwrap_or(90) as u32,
            journal_bytes,
            limits: limits.unwrap_or_default(),
            blobs: blobs.unwrap_or_default(),
            geoip: geoip.map(PathBuf::from),
            outbound: outbound.unwrap_or_default(),
            secret_key,
        })
    }

    fn credentials(&self) -> Credentials {
        let secret = |text: &Option<String>| filled(text.as_deref()).map(SecretString::from);
        Credentials {
            key: filled(self.aws_access_key_id.as_deref()).map(str::to_owned),
            secret: secret(&self.aws_secret_access_key),
            token: secret(&self.aws_session_token),
            region: filled(self.aws_region.as_deref()).map(str::to_owned),
        }
    }
}

/// An empty value is one that is not set: compose files pass those.
fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| format!("`{text}` is no web address, such as https://errors.example.org"))?;
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'/' | b'-' | b'_' | b'.' | b'~');
    if url.query().is_some() || url.fragment().is_some() || url.path().contains("//") || !url.path().bytes().all(is_plain) {
        return Err(format!("`{text}` has more than a host and a plain path, such as https://example.org/errors"));
    }
    Ok(url)
}

fn whole_number(text: &str, (min, max): (u64, u64), unit: &str) -> Result<u64, String> {
    let number = text.trim().parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a whole number of {unit} from {min} to {max}"))
}

#[cfg(test)]
mod tests;
