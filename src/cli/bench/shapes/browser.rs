//! `@sentry/react` in a browser: minified frames without source, many breadcrumbs.

use serde_json::{Value, json};

use super::words;
use super::{Roll, breadcrumbs, exception, trace};

const KINDS: [(&str, &str); 5] = [
    ("TypeError", "undefined is not an object"),
    ("SecurityError", "Blocked a frame from accessing storage"),
    ("ReferenceError", "Can't find variable: gtag"),
    ("UnhandledRejection", "Non-Error promise rejection captured"),
    ("NotFoundError", "Failed to execute 'removeChild' on 'Node'"),
];

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
];

pub(super) fn event(roll: &mut Roll) -> Value {
    let (kind, text) = roll.issue.pick(&KINDS);
    let build = words::hex(&mut roll.issue, 8);
    let frames: Vec<Value> = (0..24 + roll.issue.below(8))
        .map(|_| {
            json!({
                "filename": format!("https://shop.example/static/js/main.{build}.js"), "function": roll.issue.pick(&["t", "e.render", "onClick", "r"]),
                "lineno": 2, "colno": 38_400 + roll.issue.below(100), "in_app": true,
            })
        })
        .collect();
    let page = format!("https://shop.example/{}/{}", words::noun(&mut roll.issue), words::noun(&mut roll.issue));
    let value = format!("{text} ({}.{})", words::noun(&mut roll.issue), words::camel(&mut roll.issue));
    let agent = roll.event.pick(&AGENTS);
    json!({
        "platform": "javascript", "level": "error", "transaction": page.trim_start_matches("https://shop.example"),
        "exception": exception(kind, &value, "onerror", &frames),
        "breadcrumbs": clicks(roll),
        "request": { "url": format!("{page}?ref={}", roll.event.below(5_000)), "headers": { "User-Agent": agent, "Referer": "https://shop.example/" } },
        "contexts": {
            "trace": trace(roll, "pageload"),
            "culture": { "locale": "en-GB", "timezone": "Europe/Berlin" },
            "react": { "version": "19.2.0" },
        },
        "tags": { "checkout": roll.event.below(2) == 1, "ab_test": roll.event.pick(&["control", "blue", "green"]), "ui.version": "2026.11" },
        "extra": { "arguments": [], "viewport": format!("{}x{}", 320 + roll.event.below(1600), 480 + roll.event.below(900)) },
        "debug_meta": { "images": [{ "type": "sourcemap", "code_file": format!("https://shop.example/static/js/main.{build}.js"), "debug_id": debug_id(roll) }] },
    })
}

fn debug_id(roll: &mut Roll) -> String {
    let hex = words::hex(&mut roll.issue, 32);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn clicks(roll: &mut Roll) -> Value {
    let count = 4 + roll.event.below(4);
    breadcrumbs(roll, count, |dice, number| match number % 4 {
        0 => {
            json!({ "category": "ui.click", "message": format!("main.{}-page > section > button.btn-{}", words::noun(dice), words::noun(dice)) })
        }
        1 => {
            json!({ "type": "http", "category": "fetch", "level": "info", "data": { "method": "GET", "url": format!("/api/{}/{}", words::noun(dice), dice.below(90_000)), "status_code": 200, "response_body_size": dice.below(9_000) } })
        }
        2 => {
            json!({ "category": "navigation", "data": { "from": format!("/{}", words::noun(dice)), "to": format!("/{}/{}", words::noun(dice), dice.below(900)) } })
        }
        _ => {
            json!({ "category": "console", "level": "warning", "message": format!("Warning: each child in a list should have a unique key. Check {}.", words::pascal(dice)), "data": { "logger": "console" } })
        }
    })
}
