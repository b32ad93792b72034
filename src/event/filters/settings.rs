//! # What a project filters
//!
//! One switch or list per filter. The defaults are those of a new project at Sentry (`protocol.md` section 9): known noise that nobody can act upon is
//! dropped, and everything that may be somebody's real error is kept.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::globs;

/// The filters of a project. Entries that make no sense are ignored when events are checked; [`problems`](Self::problems) names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "one switch per filter, as people see them")]
pub struct FilterSettings {
    /// Addresses or CIDR blocks of senders.
    pub client_ips: Vec<String>,
    /// Globs of releases.
    pub releases: Vec<String>,
    /// Globs of messages, exception types, exception values and `type: value`.
    pub error_messages: Vec<String>,
    /// Whether events from a developer's own machine are dropped. Off.
    pub localhost: bool,
    /// Whether errors of browser extensions are dropped. Off.
    pub browser_extensions: bool,
    /// Which old browsers are dropped. The default set.
    pub legacy_browsers: Vec<LegacyBrowser>,
    /// Whether events of crawlers are dropped. On.
    pub web_crawlers: bool,
    /// Whether transactions of health checks are dropped. On.
    pub health_checks: bool,
    /// Whether failures to load a chunk of a page's own script are dropped. Off.
    pub chunk_load_errors: bool,
    /// Whether React's hydration errors are dropped. On.
    pub hydration_errors: bool,
    /// Whether security reports about well-known injected sources are dropped. On.
    pub csp_sources: bool,
    /// Further sources of security reports, such as `*.example.com` or `blob://*`.
    pub csp_disallowed_sources: Vec<String>,
}

impl Default for FilterSettings {
    fn default() -> Self {
        Self {
            client_ips: Vec::new(),
            releases: Vec::new(),
            error_messages: Vec::new(),
            localhost: false,
            browser_extensions: false,
            legacy_browsers: vec![LegacyBrowser::Default],
            web_crawlers: true,
            health_checks: true,
            chunk_load_errors: false,
            hydration_errors: true,
            csp_sources: true,
            csp_disallowed_sources: Vec::new(),
        }
    }
}

/// An entry of a list that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: `{entry}`: {problem}")]
pub struct FilterProblem {
    /// The list.
    pub field: &'static str,
    /// The entry.
    pub entry: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FilterSettings {
    /// Entries that would be ignored, for the form that takes them.
    pub fn problems(&self) -> Vec<FilterProblem> {
        let of = |field, list: &[String], check: &dyn Fn(&str) -> Option<String>| -> Vec<FilterProblem> {
            let found = list.iter().filter_map(|entry| Some(FilterProblem { field, entry: entry.clone(), problem: check(entry)? }));
            found.collect()
        };
        let network = |entry: &str| Network::parse(entry).is_none().then(|| "it is no IP address and no CIDR block".to_owned());
        let mut problems = of("clientIps", &self.client_ips, &network);
        problems.extend(of("releases", &self.releases, &globs::problem));
        problems.extend(of("errorMessages", &self.error_messages, &globs::problem));
        problems
    }
}

/// A choice of old browsers, with Sentry's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegacyBrowser {
    /// Internet Explorer before 10, Safari before 6, Opera before 15, Android before 4, Opera Mini before 8.
    #[serde(alias = "1")]
    Default,
    /// Internet Explorer up to 11.
    Ie,
    /// Edge up to 110.
    Edge,
    /// Safari up to 15.
    Safari,
    /// Firefox up to 110.
    Firefox,
    /// Chrome up to 110.
    Chrome,
    /// Opera up to 99.
    Opera,
    /// Android's browser up to 3.
    Android,
    /// Opera Mini up to 34.
    OperaMini,
    /// Internet Explorer up to 8.
    #[serde(rename = "ie_pre_9")]
    IePre9,
    /// Internet Explorer 9.
    Ie9,
    /// Internet Explorer 10.
    Ie10,
    /// Internet Explorer 11.
    Ie11,
    /// Safari up to 5.
    #[serde(rename = "safari_pre_6")]
    SafariPre6,
    /// Opera up to 14.
    #[serde(rename = "opera_pre_15")]
    OperaPre15,
    /// Opera Mini up to 7.
    #[serde(rename = "opera_mini_pre_8")]
    OperaMiniPre8,
    /// Android's browser up to 3.
    #[serde(rename = "android_pre_4")]
    AndroidPre4,
    /// Edge up to 18.
    #[serde(rename = "edge_pre_79")]
    EdgePre79,
}

impl LegacyBrowser {
    /// Whether a browser of a family and major version is among these.
    pub(super) fn covers(self, family: &str, major: u32) -> bool {
        let family = if family == "IE Mobile" { "IE" } else { family };
        let up_to = |name: &str, last: u32| family == name && major <= last;
        match self {
            Self::Default => up_to("IE", 9) || up_to("Safari", 5) || up_to("Opera", 14) || up_to("Android", 3) || up_to("Opera Mini", 7),
            Self::Ie => up_to("IE", 11),
            Self::Edge => up_to("Edge", 110),
            Self::Safari => up_to("Safari", 15),
            Self::Firefox => up_to("Firefox", 110),
            Self::Chrome => up_to("Chrome", 110),
            Self::Opera => up_to("Opera", 99),
            Self::Android | Self::AndroidPre4 => up_to("Android", 3),
            Self::OperaMini => up_to("Opera Mini", 34),
            Self::IePre9 => up_to("IE", 8),
            Self::Ie9 => family == "IE" && major == 9,
            Self::Ie10 => family == "IE" && major == 10,
            Self::Ie11 => family == "IE" && major == 11,
            Self::SafariPre6 => up_to("Safari", 5),
            Self::OperaPre15 => up_to("Opera", 14),
            Self::OperaMiniPre8 => up_to("Opera Mini", 7),
            Self::EdgePre79 => up_to("Edge", 18),
        }
    }
}

/// An address, or a block of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    bits: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address.parse().ok()?, Some(length.parse::<u32>().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let (bits, width, is_v4) = bits(address);
        let length = length.unwrap_or(width);
        if length > width {
            return None;
        }
        let mask = if length == 0 { 0 } else { u128::MAX << (width - length) };
        Some(Self { bits: bits & mask, mask, is_v4 })
    }

    /// Whether an address is in the block.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (bits, _, is_v4) = bits(address.to_canonical());
        is_v4 == self.is_v4 && bits & self.mask == self.bits
    }
}

fn bits(address: IpAddr) -> (u128, u32, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32, true),
        IpAddr::V6(v6) => (v6.to_bits(), 128, false),
    }
}
