//! # Inbound filters: what nobody wants to see
//!
//! **Promise.** One answer per event, in Relay's order (`protocol.md` section 9): the first filter that applies, or none. A filtered event ends in the
//! outcome `filtered` with the filter's stat key, and is never stored.
//!
//! **How.** [`FilterSettings`] is what a project has chosen, [`Filters`] the same compiled, to be kept; [`check`] is a pure function of the normalised
//! event and the facts about its request. Browsers are told by the `browser` context, which normalising made of the user agent.
//!
//! **When it breaks.** Entries of lists that make no sense are ignored; [`FilterSettings::problems`] tells people about them.
//!
//! **Not here.** Rate limits, allowed domains (`ingest`), discarded issues (`digest`).

mod globs;
mod known;
mod settings;

use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

use globs::Globs;
use settings::Network;
pub use settings::{FilterProblem, FilterSettings, LegacyBrowser};

/// Why an event was filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilterReason {
    /// A chunk of the page's own script did not load.
    ChunkLoadError,
    /// React's hydration error.
    HydrationError,
    /// A security report about an injected source.
    CspSource,
    /// The sender's address.
    ClientIp,
    /// The release.
    Release,
    /// The message, or an exception.
    ErrorMessage,
    /// A developer's own machine.
    Localhost,
    /// A browser extension.
    BrowserExtension,
    /// An old browser.
    LegacyBrowser,
    /// A crawler.
    WebCrawler,
    /// A transaction of a health check.
    HealthCheck,
}

impl FilterReason {
    /// All reasons, in the order in which filters are asked.
    pub const ALL: [Self; 11] = [
        Self::ChunkLoadError,
        Self::HydrationError,
        Self::CspSource,
        Self::ClientIp,
        Self::Release,
        Self::ErrorMessage,
        Self::Localhost,
        Self::BrowserExtension,
        Self::LegacyBrowser,
        Self::WebCrawler,
        Self::HealthCheck,
    ];

    /// Sentry's stat key: the reason of the outcome.
    pub fn stat_key(self) -> &'static str {
        match self {
            Self::ChunkLoadError => "chunk-load-error",
            Self::HydrationError => "react-hydration-errors",
            Self::CspSource => "invalid-csp",
            Self::ClientIp => "ip-address",
            Self::Release => "release-version",
            Self::ErrorMessage => "error-message",
            Self::Localhost => "localhost",
            Self::BrowserExtension => "browser-extensions",
            Self::LegacyBrowser => "legacy-browsers",
            Self::WebCrawler => "web-crawlers",
            Self::HealthCheck => "filtered-transaction",
        }
    }

    /// The reason of a stat key.
    pub fn from_stat_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.stat_key() == key)
    }
}

/// The words for people.
impl fmt::Display for FilterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChunkLoadError => "Failed to load a chunk of the page's script",
            Self::HydrationError => "React hydration error",
            Self::CspSource => "Security report about a source that extensions inject",
            Self::ClientIp => "Sender's IP address is on the project's list",
            Self::Release => "Release is on the project's list",
            Self::ErrorMessage => "Message is on the project's list",
            Self::Localhost => "From a developer's own machine (localhost)",
            Self::BrowserExtension => "Caused by a browser extension",
            Self::LegacyBrowser => "From an outdated browser",
            Self::WebCrawler => "From a web crawler",
            Self::HealthCheck => "Transaction of a health check",
        })
    }
}

/// What is known of the request that brought an event.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFacts<'a> {
    /// The sender's address, behind trusted proxies.
    pub client_ip: Option<IpAddr>,
    /// The request's own user agent: a browser's only for security reports.
    pub user_agent: Option<&'a str>,
}

/// A project's filters, compiled.
#[derive(Clone, Debug)]
pub struct Filters {
    settings: FilterSettings,
    networks: Vec<Network>,
    releases: Globs,
    messages: Globs,
    csp_sources: Vec<Source>,
}

impl Filters {
    /// Compiles the settings; entries that make no sense are left out.
    pub fn new(settings: &FilterSettings) -> Self {
        let built_in = if settings.csp_sources { &known::CSP_SOURCES[..] } else { &[] };
        let sources = built_in.iter().copied().chain(settings.csp_disallowed_sources.iter().map(String::as_str));
        Self {
            settings: settings.clone(),
            networks: settings.client_ips.iter().filter_map(|entry| Network::parse(entry)).collect(),
            releases: Globs::new(settings.releases.iter().map(String::as_str)),
            messages: Globs::new(settings.error_messages.iter().map(String::as_str)),
            csp_sources: sources.map(str::trim).filter(|source| !source.is_empty()).map(Source::parse).collect(),
        }
    }
}

/// The first filter that applies to a normalised event, if one does.
pub fn check(event: &Value, request: &RequestFacts<'_>, filters: &Filters) -> Option<FilterReason> {
    FilterReason::ALL.into_iter().find(|reason| applies(*reason, event, request, filters))
}

fn applies(reason: FilterReason, event: &Value, request: &RequestFacts<'_>, filters: &Filters) -> bool {
    let settings = &filters.settings;
    match reason {
        FilterReason::ChunkLoadError => settings.chunk_load_errors && is_chunk_load_error(event),
        FilterReason::HydrationError => {
            settings.hydration_errors
                && exceptions(event).any(|exception| text(exception, "value").is_some_and(|value| known::HYDRATION.is_match(value)))
        }
        FilterReason::CspSource => !filters.csp_sources.is_empty() && is_injected(event, &filters.csp_sources),
        FilterReason::ClientIp => request.client_ip.is_some_and(|ip| filters.networks.iter().any(|network| network.contains(ip))),
        FilterReason::Release => {
            !filters.releases.is_empty() && text(event, "release").is_some_and(|release| filters.releases.is_match(release))
        }
        FilterReason::ErrorMessage => !filters.messages.is_empty() && has_message(event, &filters.messages),
        FilterReason::Localhost => settings.localhost && is_local(event),
        FilterReason::BrowserExtension => settings.browser_extensions && is_extension(event),
        FilterReason::LegacyBrowser => !settings.legacy_browsers.is_empty() && is_legacy(event, &settings.legacy_browsers),
        FilterReason::WebCrawler => {
            settings.web_crawlers
                && user_agent(event, request).is_some_and(|agent| known::CRAWLER.is_match(agent) && !known::ALLOWED_CRAWLER.is_match(agent))
        }
        FilterReason::HealthCheck => {
            settings.health_checks
                && text(event, "type") == Some("transaction")
                && text(event, "transaction").is_some_and(|name| known::HEALTH_CHECK.is_match(name))
        }
    }
}

fn text<'e>(value: &'e Value, key: &str) -> Option<&'e str> {
    value.get(key).and_then(Value::as_str)
}

/// The exceptions of an event, without the places of those that were invalid.
fn exceptions(event: &Value) -> impl Iterator<Item = &Value> {
    let values = event.get("exception").and_then(|exception| exception.get("values")).and_then(Value::as_array);
    values.into_iter().flatten().filter(|value| !value.is_null())
}

/// A request header.
fn header<'e>(event: &'e Value, name: &str) -> Option<&'e str> {
    let headers = event.get("request")?.get("headers")?.as_array()?;
    let found = headers.iter().find(|pair| pair.get(0).and_then(Value::as_str).is_some_and(|key| key.eq_ignore_ascii_case(name)));
    found?.get(1)?.as_str()
}

/// The user agent of the people whose event it is. The request's own is the SDK's, except for security reports, which browsers send.
fn user_agent<'a>(event: &'a Value, request: &RequestFacts<'a>) -> Option<&'a str> {
    let own = || request.user_agent.filter(|_| text(event, "type") == Some("csp"));
    header(event, "User-Agent").or_else(own)
}

fn is_chunk_load_error(event: &Value) -> bool {
    exceptions(event).any(|exception| {
        let (kind, value) = (text(exception, "type").unwrap_or_default(), text(exception, "value").unwrap_or_default());
        known::CHUNK_LOAD.iter().any(|(kinds, values)| kinds.is_match(kind) && values.is_match(value))
    })
}

fn has_message(event: &Value, globs: &Globs) -> bool {
    let message = event.get("logentry").and_then(|entry| text(entry, "formatted").or_else(|| text(entry, "message")));
    if message.is_some_and(|message| globs.is_match(message)) {
        return true;
    }
    exceptions(event).any(|exception| match (text(exception, "type"), text(exception, "value")) {
        (Some(kind), Some(value)) => globs.is_match(kind) || globs.is_match(value) || globs.is_match(&format!("{kind}: {value}")),
        (one, other) => one.or(other).is_some_and(|text| globs.is_match(text)),
    })
}

const LOCAL_ADDRESSES: [&str; 2] = ["127.0.0.1", "::1"];
const LOCAL_NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

fn is_local(event: &Value) -> bool {
    let local_address = |address: &str| LOCAL_ADDRESSES.contains(&address.trim());
    if event.get("user").and_then(|user| text(user, "ip_address")).is_some_and(local_address)
        || header(event, "X-Forwarded-For").is_some_and(local_address)
    {
        return true;
    }
    match event.get("request").and_then(|request| text(request, "url")) {
        Some(url) => is_local_url(url),
        None => ["Host", "X-Forwarded-Host"].iter().filter_map(|name| header(event, name)).any(|host| {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            LOCAL_NAMES.iter().any(|local| local.eq_ignore_ascii_case(name))
        }),
    }
}

fn is_local_url(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let below = |host: &str, name: &str| host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    url.scheme() == "file" || url.host_str().is_some_and(|host| LOCAL_NAMES.iter().any(|name| below(host, name)))
}

/// Extensions are told by the first exception: its value, or the script that raised it.
fn is_extension(event: &Value) -> bool {
    let Some(first) = exceptions(event).next() else { return false };
    if text(first, "value").is_some_and(|value| known::EXTENSION_VALUE.is_match(value)) {
        return true;
    }
    let frames = first.get("stacktrace").and_then(|stacktrace| stacktrace.get("frames")).and_then(Value::as_array);
    let paths = frames.into_iter().flatten().rev().map_while(|frame| text(frame, "abs_path"));
    let source = paths.into_iter().find(|path| !matches!(*path, "<anonymous>" | "[native code]"));
    source.is_some_and(|source| known::EXTENSION_SOURCE.is_match(source))
}

fn is_legacy(event: &Value, browsers: &[LegacyBrowser]) -> bool {
    let Some(browser) = event.get("contexts").and_then(|contexts| contexts.get("browser")) else { return false };
    let (Some(family), Some(version)) = (text(browser, "name"), text(browser, "version")) else { return false };
    let Ok(major) = version.split('.').next().unwrap_or_default().parse() else { return false };
    browsers.iter().any(|browser| browser.covers(family, major))
}

fn is_injected(event: &Value, sources: &[Source]) -> bool {
    let Some(report) = event.get("csp") else { return false };
    let reported = ["blocked_uri", "source_file"].iter().filter_map(|key| text(report, key)).filter(|uri| !uri.is_empty());
    reported.map(Source::parse).any(|uri| sources.iter().any(|source| source.covers(&uri)))
}

/// A source in a security report, or a pattern of sources: what is missing in a pattern matches everything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    scheme: Option<String>,
    domain: Option<String>,
    port: Option<String>,
}

impl Source {
    fn parse(text: &str) -> Self {
        let some = |part: &str| (!part.is_empty() && part != "*").then(|| part.to_ascii_lowercase());
        let (scheme, rest) = text.split_once("://").map_or((None, text), |(scheme, rest)| (some(scheme), rest));
        // `data:text/html,…` has no host: what follows the colon is compared as a whole.
        let is_address = scheme.is_some() || !text.starts_with("data:");
        let host = if is_address { rest.split(['/', '?', '#']).next().unwrap_or_default() } else { rest };
        let (domain, port) = host.split_once(':').unwrap_or((host, ""));
        Self { scheme, domain: some(domain), port: some(port) }
    }

    fn covers(&self, uri: &Self) -> bool {
        let same = |pattern: &Option<String>, part: &Option<String>| pattern.is_none() || pattern == part;
        let domain = match (&self.domain, &uri.domain) {
            (None, _) => true,
            (Some(pattern), Some(domain)) => match pattern.strip_prefix("*.") {
                Some(parent) => domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')),
                None => pattern == domain,
            },
            (Some(_), None) => false,
        };
        same(&self.scheme, &uri.scheme) && domain && same(&self.port, &uri.port)
    }
}

#[cfg(test)]
mod tests;
