//! How long one event takes: read, normalised, filtered, scrubbed and grouped, by the functions that digest calls.
//!
//!     cargo bench --bench event
//!
//! `event/*` are ordinary events, held against the budgets of `docs/benchmarks.md`. `hostile/*` come in pairs of n and 2n: the second may
//! take twice as long as the first, never four times.
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on fails")]

use std::hint::black_box;
use std::time::Duration;

use chrono::DateTime;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use serde_json::{Map, Value, json};
use vedette::digest::process::{Facts, Wishes, grouped, normalised};
use vedette::event::filters::{FilterSettings, Filters};
use vedette::event::scrub::{ScrubSettings, Scrubber};
use vedette::event::{NormaliseParams, json, normalise};
use vedette::grouping::{Config, Version};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    ordinary(&mut criterion);
    hostile(&mut criterion);
    rules(&mut criterion);
    criterion.final_summary();
}

fn facts() -> Facts<'static> {
    Facts {
        client_ip: "198.51.100.7".parse().ok(),
        user_agent: Some("sentry.python/2.44.0"),
        client: Some("sentry.python/2.44.0"),
        ..Facts::new(DateTime::from_timestamp(1_795_000_000, 0).expect("a time"))
    }
}

/// What a new project wants done.
struct Project {
    scrubber: Scrubber,
    filters: Filters,
    grouping: Config,
}

impl Project {
    fn new() -> Self {
        Self {
            scrubber: ScrubSettings::default().compile().expect("the default settings"),
            filters: Filters::new(&FilterSettings::default()),
            grouping: Config::standard(),
        }
    }

    /// All that the CPU stage of digest does, but for packing.
    fn digest(&self, payload: &[u8], facts: &Facts<'_>) -> Value {
        let wishes = Wishes { scrubber: Some(&self.scrubber), filters: Some(&self.filters), store_ips: true };
        let mut event = normalised(payload, facts, wishes).expect("an event that is kept");
        black_box(grouped(&mut event, &self.grouping));
        event
    }
}

fn ordinary(criterion: &mut Criterion) {
    let (project, facts) = (Project::new(), facts());
    let mut group = criterion.benchmark_group("event");
    for (name, event) in [("6 KB", django(18, 8, 12)), ("6 KB browser", browser()), ("50 KB", django(150, 60, 100))] {
        let payload = event.to_string().into_bytes();
        group.throughput(Throughput::Bytes(payload.len() as u64));
        let params = NormaliseParams { client_ip: facts.client_ip, ..NormaliseParams::new(facts.received) };
        let normalised = normalise(json::parse(&payload).expect("JSON").0, &params).expect("an event");
        group.bench_function(BenchmarkId::new("group", name), |bencher| {
            bencher.iter_batched(
                || normalised.clone(),
                |mut event| {
                    black_box(grouped(&mut event, &project.grouping));
                    event
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("normalise and group", name), |bencher| {
            bencher.iter_with_setup(
                || json::parse(&payload).expect("JSON").0,
                |event| {
                    let mut event = normalise(event, &params).expect("an event");
                    black_box(grouped(&mut event, &project.grouping));
                    event
                },
            );
        });
        group.bench_function(BenchmarkId::new("read to grouped", name), |bencher| {
            bencher.iter_with_large_drop(|| project.digest(black_box(&payload), &facts));
        });
    }
    group.finish();
}

fn hostile(criterion: &mut Criterion) {
    let (project, facts) = (Project::new(), facts());
    let mut group = criterion.benchmark_group("hostile");
    for (name, size, event) in HOSTILE {
        for size in [size, 2 * size] {
            let payload = event(size).into_bytes();
            group.bench_function(BenchmarkId::new(name, size), |bencher| {
                bencher.iter_with_large_drop(|| project.digest(black_box(&payload), &facts));
            });
        }
    }
    group.finish();
}

/// Grouping alone of a megabyte that was made to be slow, with rules that were, too: none may take longer than a tenth of a second.
fn rules(criterion: &mut Criterion) {
    let facts = facts();
    let params = NormaliseParams { client_ip: facts.client_ip, ..NormaliseParams::new(facts.received) };
    let mut group = criterion.benchmark_group("rules");
    group.sample_size(10);
    let on_all = (0..1_700).map(|i| format!("function:*{} +app -group\n", "?".repeat(i % 7))).collect::<Vec<_>>().concat();
    let on_paths = (0..1_500).map(|i| format!("path:**/a*a*a*a*/{i} +app\n")).collect::<Vec<_>>().concat();
    let on_messages = (0..1_100).map(|i| format!("message:*a{}{i} -> x\n", "?".repeat(40))).collect::<Vec<_>>().concat();
    for (name, stack_trace, fingerprint, event) in [
        ("built-in words in paths", "", "", exceptions(2, |seed| path_of_words(seed, 250, 2_000))),
        ("built-in words in one path each", "", "", exceptions(50, |seed| path_of_words(seed, 1, 10_000))),
        ("bare frames", "", "", exceptions(100, |_| bare(250))),
        ("1,700 rules on all of 25,000 frames", &on_all, "", exceptions(100, |_| bare(250))),
        ("1,500 rules on 1 MB of paths", &on_paths, "", exceptions(2, |seed| path_of_words(seed, 250, 2_000))),
        ("1,100 rules on a message", "", &on_messages, json!({"message": "a".repeat(8_000)})),
        (
            "1,100 rules on 1 MB of values",
            "",
            &on_messages,
            json!({"exception": vec![json!({"type": "E", "value": "a".repeat(8_000)}); 100]}),
        ),
        ("numbers in a message", "", "", json!({"message": "1.2.3.4:5 a@b.c-7e8f9 ".repeat(370)})),
        (
            "numbers in 1 MB of values",
            "",
            "",
            json!({"exception": vec![json!({"type": "E", "value": "1.2.3.4:5 a@b.c-7e8f9 ".repeat(370)}); 100]}),
        ),
        ("dots in 1 MB of values", "", "", json!({"exception": vec![json!({"type": "E", "value": "a.".repeat(4_000)}); 100]})),
    ] {
        let config = Config::with_rules(Version::NEWEST, stack_trace, fingerprint).expect("rules");
        let event = normalise(event, &params).expect("an event");
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || event.clone(),
                |mut event| {
                    black_box(grouped(&mut event, &config));
                    event
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// So many exceptions with these frames.
fn exceptions(count: usize, frames: impl Fn(usize) -> Vec<Value>) -> Value {
    let exception = |i: usize, frames: Vec<Value>| json!({"type": format!("E{i}"), "value": "v", "stacktrace": {"frames": frames}});
    json!({"platform": "native", "exception": {"values": (0..count).map(|i| exception(i, frames(i))).collect::<Vec<_>>()}})
}

fn bare(count: usize) -> Vec<Value> {
    (0..count).map(|i| json!({"function": format!("f{i}")})).collect()
}

/// Frames whose paths are made of what the built-in rules look for, in an order that never comes twice.
fn path_of_words(seed: usize, frames: usize, length: usize) -> Vec<Value> {
    const WORDS: [&str; 16] = [
        "/System/Library/",
        "Frameworks/",
        "usr/lib/",
        "node_modules/",
        ".app/Contents/",
        "/var/containers/Bundle/Application/",
        "dist-packages/",
        "site-packages/",
        "libsystem",
        "GraphicsServices",
        "/vendor/",
        "/Library/Extensions/",
        "linux-gate.so",
        "package:sentry_flutter/",
        "/apex/com.android.",
        "lib/",
    ];
    let mut state = 12_345 + seed as u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        WORDS[(state >> 28) as usize]
    };
    let mut path = || {
        let mut path = String::new();
        while path.len() < length {
            path.push_str(next());
        }
        path
    };
    (0..frames).map(|i| json!({"function": format!("f{i}"), "abs_path": path(), "package": path()})).collect()
}

/// What it is called, how much there is of it, and how it is made.
type Hostile = (&'static str, usize, fn(usize) -> String);

const HOSTILE: [Hostile; 14] = [
    ("tags", 10_000, |n| json!({"tags": numbered(n, |i| json!(i))}).to_string()),
    ("tag pairs", 10_000, |n| json!({"tags": (0..n).map(|i| json!([format!("key{}", n - i), "v"])).collect::<Vec<_>>()}).to_string()),
    ("frames", 5_000, |n| json!({"platform": "python", "exception": [{"type": "Loop", "stacktrace": {"frames": frames(n)}}]}).to_string()),
    ("exceptions", 5_000, |n| {
        json!({"exception": (0..n).map(|i| json!({"type": format!("E{i}"), "value": "v"})).collect::<Vec<_>>()}).to_string()
    }),
    ("breadcrumbs", 10_000, |n| {
        json!({"breadcrumbs": (0..n).map(|i| json!({"message": format!("step {i}"), "timestamp": i})).collect::<Vec<_>>()}).to_string()
    }),
    ("headers", 10_000, |n| json!({"request": {"headers": numbered(n, |i| json!(i))}}).to_string()),
    ("extra", 10_000, |n| json!({"extra": numbered(n, |i| json!({"a": i}))}).to_string()),
    ("invalid values", 10_000, |n| json!({"extra": {}, "modules": numbered(n, |i| json!({"a": i}))}).to_string()),
    ("long message", 1_000_000, |n| json!({"message": "all work and no play, 4111 ".repeat(n / 27)}).to_string()),
    ("long exception", 1_000_000, |n| json!({"exception": [{"type": "a:".repeat(n / 2), "value": "1-".repeat(n / 2)}]}).to_string()),
    ("long extra", 1_000_000, |n| json!({"extra": {"text": "4111-1111 a@b.c ".repeat(n / 16)}}).to_string()),
    ("long user agent", 1_000_000, |n| {
        json!({"request": {"headers": {"User-Agent": "Mozilla/5.0 (X11; Linux) ".repeat(n / 25)}}}).to_string()
    }),
    ("long template", 1_000_000, |n| json!({"logentry": {"message": "%s {} ".repeat(n / 6), "params": ["a"]}}).to_string()),
    ("nesting", 1_000, |n| format!("{{\"extra\":{}1{}}}", "{\"a\":".repeat(n), "}".repeat(n))),
];

fn numbered(count: usize, value: impl Fn(usize) -> Value) -> Map<String, Value> {
    (0..count).map(|i| (format!("key{i}"), value(i))).collect()
}

fn frames(count: usize) -> Vec<Value> {
    let frame = |i: usize| {
        json!({
            "filename": format!("shop/module_{}/views.py", i % 50), "abs_path": format!("/srv/app/shop/module_{}/views.py", i % 50),
            "module": format!("shop.module_{}.views", i % 50), "function": format!("step_{i}"), "lineno": 10 + i, "in_app": i.is_multiple_of(3),
            "context_line": format!("        return self.step_{}(request, order_id={i})", i + 1),
        })
    };
    (0..count).map(frame).collect()
}

/// A Django error: so many frames, a third of them with locals and source, so many breadcrumbs and headers.
fn django(frame_count: usize, crumbs: usize, fields: usize) -> Value {
    let mut frames = frames(frame_count);
    for (i, frame) in frames.iter_mut().enumerate().filter(|(i, _)| i.is_multiple_of(3)) {
        frame["pre_context"] = json!([format!("    def step_{i}(self, request, order_id):"), "        order = self.orders.get(order_id)"]);
        frame["post_context"] = json!(["", "    def get_queryset(self):"]);
        frame["vars"] =
            json!({"self": format!("<shop.views.Step{i} object at 0x7f3c5e0c{i:04x}>"), "order_id": i, "request": "<WSGIRequest: POST>"});
    }
    let crumb = |i: usize| json!({"type": "default", "category": "query", "level": "info", "message": format!("SELECT * FROM orders WHERE id = {i}"), "timestamp": 1_794_999_900 + i, "data": {"db.system": "postgresql", "rows": i}});
    json!({
        "event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "timestamp": "2026-11-18T10:26:39.512Z", "platform": "python", "level": "error",
        "release": "shop@4.2.0", "environment": "production", "server_name": "web-3", "transaction": "/orders/{order_id}/pay",
        "exception": {"values": [{
            "type": "PaymentDeclined", "value": "card processor answered 503 to order 1731 after 12.5 ms", "module": "shop.errors",
            "mechanism": {"type": "django", "handled": false}, "stacktrace": {"frames": frames},
        }]},
        "breadcrumbs": {"values": (0..crumbs).map(crumb).collect::<Vec<_>>()},
        "request": {
            "url": "https://shop.example/orders/1731/pay?coupon=WINTER", "method": "POST", "data": {"card": "4111111111111111", "password": "x"},
            "headers": {"Accept": "application/json", "Cookie": "sessionid=abc; theme=dark", "User-Agent": FIREFOX, "Host": "shop.example"},
            "env": {"SERVER_NAME": "web-3", "SERVER_PORT": "8000", "REMOTE_ADDR": "198.51.100.7"},
        },
        "user": {"id": 771, "email": "ana@example.test", "ip_address": "198.51.100.7"},
        "tags": {"region": "alps", "tenant": "acme"},
        "contexts": {"runtime": {"name": "CPython", "version": "3.13.1", "build": "3.13.1 (main)"}, "trace": {"trace_id": "4c79f60c11214eb38604f4ae0781bfb2", "span_id": "90a2f1f8c0f5d7a1", "op": "http.server"}},
        "extra": numbered(fields, |i| json!(format!("value {i}"))),
        "modules": numbered(fields, |i| json!(format!("{i}.0.1"))),
        "sdk": {"name": "sentry.python.django", "version": "2.44.0", "integrations": ["django", "logging", "stdlib"], "packages": [{"name": "pypi:sentry-sdk", "version": "2.44.0"}]},
    })
}

const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// A React error: minified frames with URLs, console breadcrumbs, a phone.
fn browser() -> Value {
    let agent =
        "Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.60 Mobile Safari/537.36";
    let frame = |i: usize| json!({"filename": format!("https://shop.example/assets/index-4f{i:x}.js"), "function": format!("Object.r{i}"), "lineno": 1, "colno": 10_000 + i, "in_app": true});
    let crumb = |i: usize| json!({"category": if i.is_multiple_of(2) { "ui.click" } else { "fetch" }, "message": format!("div.cart > button#pay-{i}.primary"), "timestamp": 1_794_999_900.5 + i as f64, "data": {"method": "GET", "url": format!("/api/cart/{i}"), "status_code": 200}});
    json!({
        "event_id": "0f9bc9d37df44a4a8ca7a3f3a3a2b5c7", "timestamp": 1_794_999_999.25, "platform": "javascript", "level": "error", "release": "web@7.1.0",
        "exception": {"values": [{"type": "TypeError", "value": "Cannot read properties of undefined (reading 'price')", "mechanism": {"type": "onerror", "handled": false}, "stacktrace": {"frames": (0..30).map(frame).collect::<Vec<_>>()}}]},
        "breadcrumbs": (0..15).map(crumb).collect::<Vec<_>>(),
        "request": {"url": "https://shop.example/cart?step=2#pay", "headers": {"User-Agent": agent, "Referer": "https://shop.example/"}},
        "user": {"id": "u-771"}, "tags": {"bundle": "main"},
        "sdk": {"name": "sentry.javascript.react", "version": "10.25.0", "settings": {"infer_ip": "auto"}},
    })
}
