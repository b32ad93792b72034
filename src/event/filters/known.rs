//! # Known noise
//!
//! The lists of `protocol.md` 9.5 to 9.10: what browser extensions, crawlers, health checks and page scripts in transition leave behind.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use super::globs::Globs;

/// Parts of exception values that extensions cause.
const EXTENSION_VALUES: [&str; 20] = [
    "top.GLOBALS",
    "originalCreateNotification",
    "canvas.contentDocument",
    "MyApp_RemoveAllHighlights",
    "http://tt.epicplay.com",
    "Can't find variable: ZiteReader",
    "jigsaw is not defined",
    "ComboSearch is not defined",
    "http://loading.retry.widdit.com/",
    "atomicFindClose",
    "fb_xd_fragment",
    "bmi_SafeAddOnload",
    "EBCallBackMessageReceived",
    "_gCrWeb",
    "conduitPage",
    "null is not an object (evaluating 'elt.parentNode')",
    "plugin.setSuspendState is not a function",
    "Extension context invalidated",
    "webkit-masked-url:",
    "can't access dead object",
];
/// Parts of script addresses that belong to extensions.
const EXTENSION_SOURCES: [&str; 9] = [
    "graph.facebook.com",
    "connect.facebook.net",
    "eatdifferent.com.woopra-ns.com",
    "static.woopra.com/js/woopra.js",
    "webkit-masked-url",
    "127.0.0.1:4001/isrunning",
    "webappstoolbarba.texthelp.com/",
    "metrics.itunes.apple.com.edgesuite.net/",
    "kaspersky-labs.com",
];
/// How addresses of scripts in extensions begin.
const EXTENSION_SCHEMES: [&str; 5] =
    ["chrome://", "chrome-extension://", "moz-extension://", "safari-extension://", "safari-web-extension://"];

/// Exception values of extensions.
pub(super) static EXTENSION_VALUE: LazyLock<Regex> = LazyLock::new(|| caseless(&escaped(&EXTENSION_VALUES)));
/// Script addresses of extensions.
pub(super) static EXTENSION_SOURCE: LazyLock<Regex> =
    LazyLock::new(|| caseless(&format!("{}|^(?:{})", escaped(&EXTENSION_SOURCES), escaped(&EXTENSION_SCHEMES))));

/// User agents of crawlers.
pub(super) static CRAWLER: LazyLock<Regex> = LazyLock::new(|| {
    caseless(
        r"Mediapartners-Google|AdsBot-Google|Googlebot|FeedFetcher-Google|BingBot|BingPreview|Baiduspider|Slurp|Sogou|facebook|ia_archiver|bots?[/\s);]|spider[/\s);]|Slack|Calypso AppCrawler|pingdom|lyticsbot|AWS Security Scanner|HubSpot Crawler|Bytespider|Better Uptime",
    )
});
/// Slack's agent that runs integrations, not the one that looks at links.
pub(super) static ALLOWED_CRAWLER: LazyLock<Regex> = LazyLock::new(|| caseless(r"Slackbot\s1\.[0-9]+"));

/// Transactions of health checks.
pub(super) static HEALTH_CHECK: LazyLock<Globs> = LazyLock::new(|| {
    Globs::new(["*healthcheck*", "*heartbeat*", "*/health", "*/healthy", "*/healthz", "*/live", "*/livez", "*/ready", "*/readyz", "*/ping"])
});

/// Types and values of errors about chunks of script that did not load.
pub(super) static CHUNK_LOAD: LazyLock<Vec<(Globs, Globs)>> = LazyLock::new(|| {
    let pairs = [
        ("ChunkLoadError", "Loading chunk *"),
        ("*Uncaught *", "ChunkLoadError: Loading chunk *"),
        ("ChunkLoadError", "Failed to load chunk *"),
        ("*Uncaught *", "ChunkLoadError: Failed to load chunk *"),
        ("Error", "Uncaught (in promise): ChunkLoadError*"),
    ];
    pairs.into_iter().map(|(kind, value)| (Globs::new([kind]), Globs::new([value]))).collect()
});

/// Values of React's hydration errors.
pub(super) static HYDRATION: LazyLock<Globs> = LazyLock::new(|| {
    Globs::new([
        "*https://reactjs.org/docs/error-decoder.html\\?invariant={418,419,422,423,425}*",
        "*https://react.dev/errors/{418,419,422,423,425}*",
    ])
});

/// Sources of security reports that extensions and proxies inject.
pub(super) const CSP_SOURCES: [&str; 53] = [
    "about",
    "about:*",
    "ms-browser-extension",
    "ms-browser-extension://*",
    "chrome://*",
    "chrome-extension://*",
    "chromeinvokeimmediate://*",
    "chromenull://*",
    "data:text/html,chromewebdata",
    "safari-extension://*",
    "mxaddon-pkg://*",
    "jar://*",
    "webviewprogressproxy://*",
    "tmtbff://*",
    "mbinit://*",
    "symres://*",
    "resource://*",
    "moz-extension://*",
    "localhost",
    "*.metrext.com",
    "static.image2play.com",
    "*.tlscdn.com",
    "73a5b0806e464be8bd4e694c744624f0.com",
    "020dfefc4ac745dab7594f2f771c1ded.com",
    "*.superfish.com",
    "addons.mozilla.org",
    "v.zilionfast.in",
    "widgets.amung.us",
    "xls.searchfun.in",
    "istatic.datafastguru.info",
    "resultshub-a.akamaihd.net",
    "pulseadnetwork.com",
    "gateway.zscalertwo.net",
    "www.passpack.com",
    "middlerush-a.akamaihd.net",
    "www.websmartcenter.com",
    "a.linkluster.com",
    "saveyoutime.ru",
    "cdncache-a.akamaihd.net",
    "x.rafomedia.com",
    "savingsslider-a.akamaihd.net",
    "injections.adguard.com",
    "icontent.us",
    "amiok.org",
    "connectionstrenth.com",
    "siteheart.net",
    "netanalitics.space",
    "printapplink.com",
    "godlinkapp.com",
    "devappstor.com",
    "hoholikik.club",
    "smartlink.cool",
    "promfflinkdev.com",
];

fn escaped(texts: &[&str]) -> String {
    texts.iter().map(|text| regex::escape(text)).collect::<Vec<_>>().join("|")
}

#[expect(clippy::expect_used, reason = "the expressions are constants, and the tests use every one of them")]
fn caseless(source: &str) -> Regex {
    RegexBuilder::new(source).case_insensitive(true).build().expect("an expression in this file is well-formed")
}
