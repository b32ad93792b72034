//! One table per filter, and properties of all.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn off() -> FilterSettings {
    FilterSettings {
        legacy_browsers: Vec::new(),
        web_crawlers: false,
        health_checks: false,
        hydration_errors: false,
        csp_sources: false,
        ..FilterSettings::default()
    }
}

fn asked(event: &Value, settings: &FilterSettings) -> Option<FilterReason> {
    check(event, &RequestFacts::default(), &Filters::new(settings))
}

fn exception(kind: &str, value: &str) -> Value {
    json!({"type": "error", "exception": {"values": [{"type": kind, "value": value}]}})
}

fn agent(agent: &str) -> Value {
    json!({"request": {"headers": [["Accept", "*/*"], ["User-Agent", agent]]}})
}

#[test]
fn a_new_project_drops_known_noise_only() {
    let settings: FilterSettings = serde_json::from_str("{}").unwrap();
    assert_eq!(settings, FilterSettings::default());
    for (event, reason) in [
        (agent("Mozilla/5.0 (compatible; Googlebot/2.1)"), Some(FilterReason::WebCrawler)),
        (json!({"type": "transaction", "transaction": "GET /healthz"}), Some(FilterReason::HealthCheck)),
        (exception("Error", "see https://react.dev/errors/418?args"), Some(FilterReason::HydrationError)),
        (json!({"type": "csp", "csp": {"blocked_uri": "chrome-extension://abc"}}), Some(FilterReason::CspSource)),
        (json!({"contexts": {"browser": {"name": "IE", "version": "9.0"}}}), Some(FilterReason::LegacyBrowser)),
        (exception("ChunkLoadError", "Loading chunk 3 failed."), None),
        (exception("E", "top.GLOBALS"), None),
        (json!({"request": {"url": "http://localhost:3000/"}}), None),
        (exception("ValueError", "boom"), None),
        (json!({}), None),
    ] {
        assert_eq!(asked(&event, &settings), reason, "{event}");
    }
}

#[test]
fn senders_are_compared_with_addresses_and_blocks() {
    let settings = FilterSettings {
        client_ips: ["192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "nonsense", "1.2.3.4/99"].map(str::to_owned).to_vec(),
        ..off()
    };
    let filters = Filters::new(&settings);
    for (ip, hit) in [
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("10.255.1.2", true),
        ("11.0.0.1", false),
        ("2001:db8:1::1", true),
        ("2001:db9::1", false),
        ("::ffff:10.1.1.1", true),
        ("1.2.3.4", false),
    ] {
        let request = RequestFacts { client_ip: ip.parse().ok(), user_agent: None };
        let reason = check(&json!({"user": {"ip_address": "192.0.2.7"}}), &request, &filters);
        assert_eq!(reason, hit.then_some(FilterReason::ClientIp), "{ip}");
    }
    assert_eq!(
        check(&json!({"user": {"ip_address": "192.0.2.7"}}), &RequestFacts::default(), &filters),
        None,
        "the user's address is not the sender's"
    );
    assert_eq!(
        settings.problems().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["clientIps: `nonsense`: it is no IP address and no CIDR block", "clientIps: `1.2.3.4/99`: it is no IP address and no CIDR block",]
    );
    assert!(Network::parse("0.0.0.0/0").unwrap().contains("203.0.113.9".parse().unwrap()));
}

#[test]
fn releases_and_messages_match_by_glob() {
    let settings = FilterSettings {
        releases: vec!["shop@1.*".to_owned()],
        error_messages: vec!["*ResizeObserver loop*".to_owned(), "KeyError: 'x'".to_owned(), "Abort*".to_owned()],
        ..off()
    };
    for (event, reason) in [
        (json!({"release": "SHOP@1.2.3"}), Some(FilterReason::Release)),
        (json!({"release": "shop@2.0"}), None),
        (json!({"logentry": {"formatted": "x resizeobserver loop y"}}), Some(FilterReason::ErrorMessage)),
        (json!({"logentry": {"message": "x ResizeObserver loop y"}}), Some(FilterReason::ErrorMessage)),
        (json!({"logentry": {"message": "x ResizeObserver loop y", "formatted": "else"}}), None),
        (exception("KeyError", "'x'"), Some(FilterReason::ErrorMessage)),
        (exception("AbortError", "user"), Some(FilterReason::ErrorMessage)),
        (exception("E", "Aborted"), Some(FilterReason::ErrorMessage)),
        (json!({"exception": {"values": [null, {"value": "Aborted"}]}}), Some(FilterReason::ErrorMessage)),
        (exception("E", "not Aborted"), None),
    ] {
        assert_eq!(asked(&event, &settings), reason, "{event}");
    }
}

#[test]
fn localhost_is_told_by_address_url_and_host() {
    let settings = FilterSettings { localhost: true, ..off() };
    let headers = |name: &str, value: &str| json!({"request": {"headers": [[name, value]]}});
    for (event, hit) in [
        (json!({"user": {"ip_address": "127.0.0.1"}}), true),
        (json!({"user": {"ip_address": "::1"}}), true),
        (json!({"user": {"ip_address": "127.0.0.2"}}), false),
        (headers("X-Forwarded-For", "127.0.0.1"), true),
        (headers("Host", "localhost:8000"), true),
        (headers("X-Forwarded-Host", "127.0.0.1"), true),
        (headers("Host", "app.localhost"), false),
        (json!({"request": {"url": "http://localhost:3000/a"}}), true),
        (json!({"request": {"url": "https://app.localhost/a"}}), true),
        (json!({"request": {"url": "http://127.0.0.1/"}}), true),
        (json!({"request": {"url": "file:///home/a.html"}}), true),
        (json!({"request": {"url": "https://localhost.example/"}}), false),
        (json!({"request": {"url": "https://notlocalhost/"}}), false),
        (json!({"request": {"url": "https://a.example/", "headers": [["Host", "localhost"]]}}), false),
        (json!({"request": {"url": "/cart"}}), false),
    ] {
        assert_eq!(asked(&event, &settings), hit.then_some(FilterReason::Localhost), "{event}");
    }
}

#[test]
fn extensions_are_told_by_the_first_exception() {
    let settings = FilterSettings { browser_extensions: true, ..off() };
    let frames = |paths: &[Option<&str>]| {
        let frames: Vec<_> = paths.iter().map(|path| json!({"abs_path": path})).collect();
        json!({"exception": {"values": [{"type": "E", "value": "x", "stacktrace": {"frames": frames}}]}})
    };
    for (event, hit) in [
        (exception("E", "TypeError: plugin.setSuspendState is not a function"), true),
        (exception("E", "Extension Context Invalidated."), true),
        (exception("E", "null is not an object (evaluating 'elt.parentNode')"), true),
        (exception("E", "boom"), false),
        (json!({"exception": {"values": [{"value": "boom"}, {"value": "_gCrWeb"}]}}), false),
        (frames(&[Some("https://a.example/x.js"), Some("chrome-extension://abc/x.js")]), true),
        (frames(&[Some("chrome-extension://abc/x.js"), Some("https://a.example/x.js")]), false),
        (frames(&[Some("moz-extension://abc"), Some("<anonymous>"), Some("[native code]")]), true),
        (frames(&[Some("moz-extension://abc"), None]), false),
        (frames(&[Some("https://connect.facebook.net/en_US/sdk.js")]), true),
        (frames(&[Some("https://a.example/?u=chrome://x")]), false),
        (frames(&[]), false),
    ] {
        assert_eq!(asked(&event, &settings), hit.then_some(FilterReason::BrowserExtension), "{event}");
    }
}

#[test]
fn old_browsers_are_told_by_family_and_major_version() {
    for (option, family, version, hit) in [
        ("ie", "IE", "11.0", true),
        ("ie", "IE Mobile", "10", true),
        ("ie", "Edge", "11", false),
        ("edge", "Edge", "110.0.1", true),
        ("edge", "Edge", "111", false),
        ("safari", "Safari", "15.6", true),
        ("safari", "Safari", "16.0", false),
        ("firefox", "Firefox", "110.0", true),
        ("firefox", "Firefox", "111.0", false),
        ("chrome", "Chrome", "110.0.0", true),
        ("chrome", "Chrome Mobile", "99", false),
        ("opera", "Opera", "99", true),
        ("opera", "Opera", "100", false),
        ("android", "Android", "3.2", true),
        ("android", "Android", "4.0", false),
        ("opera_mini", "Opera Mini", "34", true),
        ("opera_mini", "Opera Mini", "35", false),
        ("ie_pre_9", "IE", "8", true),
        ("ie_pre_9", "IE", "9", false),
        ("ie9", "IE", "9", true),
        ("ie10", "IE", "10", true),
        ("ie11", "IE", "11", true),
        ("ie11", "IE", "10", false),
        ("safari_pre_6", "Safari", "5.1", true),
        ("opera_pre_15", "Opera", "14", true),
        ("opera_mini_pre_8", "Opera Mini", "7", true),
        ("android_pre_4", "Android", "3", true),
        ("edge_pre_79", "Edge", "18", true),
        ("edge_pre_79", "Edge", "79", false),
        ("default", "IE", "9", true),
        ("default", "IE", "10", false),
        ("1", "Safari", "5", true),
        ("default", "Opera Mini", "7", true),
        ("default", "Chrome", "1", false),
        ("chrome", "Chrome", "", false),
        ("chrome", "Chrome", "x", false),
    ] {
        let settings: FilterSettings = serde_json::from_value(json!({"legacyBrowsers": [option]})).unwrap();
        let event = json!({"contexts": {"browser": {"name": family, "version": version}}});
        assert_eq!(asked(&event, &settings), hit.then_some(FilterReason::LegacyBrowser), "{option}: {family} {version}");
    }
}

#[test]
fn crawlers_are_told_by_the_user_agent() {
    let settings = FilterSettings { web_crawlers: true, ..off() };
    for (text, hit) in [
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", true),
        ("facebookexternalhit/1.1", true),
        ("SomeBot/1.0", true),
        ("robots; x", true),
        ("a spider) b", true),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", true),
        ("Slackbot 1.0(+https://api.slack.com/robots)", false),
        ("APIs-Google (+https://developers.google.com/webmasters/APIs-Google.html)", false),
        ("Better Uptime Bot Mozilla/5.0", true),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", false),
        ("bottle", false),
    ] {
        assert_eq!(asked(&agent(text), &settings), hit.then_some(FilterReason::WebCrawler), "{text}");
    }
    let request = RequestFacts { client_ip: None, user_agent: Some("Googlebot/2.1") };
    let filters = Filters::new(&settings);
    assert_eq!(check(&json!({"type": "csp"}), &request, &filters), Some(FilterReason::WebCrawler), "browsers send reports themselves");
    assert_eq!(check(&json!({"type": "error"}), &request, &filters), None, "an SDK's own agent says nothing about people");
}

#[test]
fn health_checks_are_transactions_by_name() {
    let settings = FilterSettings { health_checks: true, ..off() };
    for (name, hit) in [
        ("GET /healthcheck/db", true),
        ("heartbeat", true),
        ("/api/health", true),
        ("/healthy", true),
        ("/livez", true),
        ("/ready", true),
        ("/ping", true),
        ("/pings", false),
        ("/health/x", false),
        ("/cart", false),
    ] {
        assert_eq!(
            asked(&json!({"type": "transaction", "transaction": name}), &settings),
            hit.then_some(FilterReason::HealthCheck),
            "{name}"
        );
    }
    assert_eq!(asked(&json!({"type": "error", "transaction": "/health"}), &settings), None, "errors are errors everywhere");
}

#[test]
fn chunk_load_and_hydration_errors_match_by_type_and_value() {
    let settings = FilterSettings { chunk_load_errors: true, hydration_errors: true, ..off() };
    for (kind, value, reason) in [
        ("ChunkLoadError", "Loading chunk 3 failed.", Some(FilterReason::ChunkLoadError)),
        ("ChunkLoadError", "Failed to load chunk /x.js", Some(FilterReason::ChunkLoadError)),
        ("Uncaught Error", "ChunkLoadError: Loading chunk 3", Some(FilterReason::ChunkLoadError)),
        ("Error", "Uncaught (in promise): ChunkLoadError: x", Some(FilterReason::ChunkLoadError)),
        ("Error", "Loading chunk 3 failed.", None),
        (
            "Error",
            "Minified React error #418; visit https://reactjs.org/docs/error-decoder.html?invariant=418 for",
            Some(FilterReason::HydrationError),
        ),
        ("Error", "https://react.dev/errors/425?x", Some(FilterReason::HydrationError)),
        ("Error", "https://react.dev/errors/31", None),
    ] {
        assert_eq!(asked(&exception(kind, value), &settings), reason, "{kind}: {value}");
    }
}

#[test]
fn injected_sources_of_reports_match_by_scheme_domain_and_port() {
    let settings = FilterSettings {
        csp_sources: true,
        csp_disallowed_sources: vec!["*.ads.example".to_owned(), "https://p.example:8443".to_owned()],
        ..off()
    };
    for (uri, hit) in [
        ("about", true),
        ("about:blank", true),
        ("chrome-extension://abc/x.js", true),
        ("moz-extension://x", true),
        ("data:text/html,chromewebdata", true),
        ("data:text/html,other", false),
        ("data", false),
        ("https://x.superfish.com/a?b", true),
        ("https://superfish.com", true),
        ("https://notsuperfish.com", false),
        ("http://localhost:3000/x", true),
        ("https://cdn.ads.example/x", true),
        ("https://p.example:8443/x", true),
        ("https://p.example/x", false),
        ("http://p.example:8443/x", false),
        ("self", false),
        ("inline", false),
        ("https://cdn.example/x.js", false),
    ] {
        for key in ["blocked_uri", "source_file"] {
            assert_eq!(asked(&json!({"type": "csp", "csp": {key: uri}}), &settings), hit.then_some(FilterReason::CspSource), "{key} {uri}");
        }
    }
}

#[test]
fn the_first_filter_in_order_decides() {
    let settings = FilterSettings { releases: vec!["*".to_owned()], error_messages: vec!["*".to_owned()], ..FilterSettings::default() };
    let mut event = exception("E", "https://react.dev/errors/418");
    event["release"] = json!("1");
    assert_eq!(asked(&event, &settings), Some(FilterReason::HydrationError));
    event["exception"]["values"][0]["value"] = json!("x");
    assert_eq!(asked(&event, &settings), Some(FilterReason::Release));
}

#[test]
fn every_reason_has_its_own_key_and_words() {
    for reason in FilterReason::ALL {
        assert_eq!(FilterReason::from_stat_key(reason.stat_key()), Some(reason));
        assert_eq!(FilterReason::ALL.iter().filter(|other| other.to_string() == reason.to_string()).count(), 1);
    }
    assert_eq!(FilterReason::from_stat_key("nonsense"), None);
}

proptest! {
    #[test]
    fn any_event_gets_an_answer(event in crate::event::scrub::any_json(), glob in "\\PC{0,12}", ip in "\\PC{0,20}") {
        let settings = FilterSettings {
            client_ips: vec![ip],
            releases: vec![glob.clone()],
            error_messages: vec![glob],
            localhost: true,
            browser_extensions: true,
            chunk_load_errors: true,
            legacy_browsers: vec![LegacyBrowser::Default, LegacyBrowser::Chrome],
            ..FilterSettings::default()
        };
        let filters = Filters::new(&settings);
        let reason = check(&event, &RequestFacts::default(), &filters);
        prop_assert_ne!(reason, Some(FilterReason::ClientIp), "nobody sent it");
        prop_assert_eq!(check(&event, &RequestFacts::default(), &Filters::new(&off())), None, "no filter is on");
    }
}
