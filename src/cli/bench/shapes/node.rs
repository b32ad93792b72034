//! `@sentry/node` in an Express server.

use serde_json::{Value, json};

use super::words::{self, Language, Source};
use super::{Roll, breadcrumbs, exception, trace};

const KINDS: [(&str, &str); 6] = [
    ("TypeError", "Cannot read properties of undefined (reading 'id')"),
    ("Error", "connect ECONNREFUSED"),
    ("RangeError", "Invalid time value"),
    ("SyntaxError", "Unexpected end of JSON input"),
    ("MongoServerError", "E11000 duplicate key error"),
    ("AxiosError", "Request failed with status code 502"),
];

const EXPRESS: [(&str, &str, u64); 2] =
    [("express/lib/router/layer.js", "Layer.handle [as handle_request]", 95), ("express/lib/router/route.js", "next", 149)];

pub(super) fn event(roll: &mut Roll) -> Value {
    let (kind, text) = roll.issue.pick(&KINDS);
    let room = words::noun(&mut roll.issue);
    let (library, source) = (Source::library(Language::JavaScript), Source::new(&mut roll.issue, Language::JavaScript));
    let mut frames = Vec::new();
    for (file, function, line) in EXPRESS {
        let mut frame = json!({
            "filename": format!("/srv/api/node_modules/{file}"), "module": file.trim_end_matches(".js").replace('/', ":"), "function": function, "lineno": line, "colno": 5,
            "in_app": false,
        });
        library.show(&mut frame, line);
        frames.push(frame);
    }
    for _ in 0..3 + roll.issue.below(2) {
        let function = words::camel(&mut roll.issue);
        let line = roll.issue.below(300) + 8;
        let mut frame = json!({
            "filename": format!("/srv/api/src/{room}/index.js"), "module": format!("{room}:index"), "function": function,
            "lineno": line, "colno": roll.issue.below(60) + 3, "in_app": true,
            "vars": { "attempt": roll.event.below(5), room: { "id": roll.event.below(1_000_000), "status": "open", "tags": ["a", "b"] } },
        });
        source.show(&mut frame, line);
        frames.push(frame);
    }
    let path = format!("/api/{}/{}", words::noun(&mut roll.issue), words::camel(&mut roll.issue));
    let value = format!("{text} ({})", roll.event.below(10_000));
    json!({
        "platform": "node", "level": "error", "server_name": format!("api-{}", roll.event.below(3)), "transaction": format!("GET {path}"),
        "exception": exception(kind, &value, "generic", &frames),
        "breadcrumbs": calls(roll),
        "request": {
            "url": format!("https://api.example{path}?limit={}", roll.event.below(100)), "method": "GET", "query_string": format!("limit={}", roll.event.below(100)),
            "headers": { "host": "api.example", "user-agent": "okhttp/4.12.0", "accept": "application/json" },
            "cookies": {},
        },
        "contexts": {
            "trace": trace(roll, "http.server"),
            "runtime": { "name": "node", "version": "v22.21.1" },
            "os": { "name": "Debian GNU/Linux", "version": "12.8" },
            "device": { "arch": "x64", "processor_count": 4 },
        },
        "tags": { "tenant": format!("t{}", roll.event.below(40)), "shard": roll.event.below(8).to_string() },
        "modules": { "express": "4.21.1", "pg": "8.16.3", "axios": "1.13.2" },
    })
}

fn calls(roll: &mut Roll) -> Value {
    let count = 2 + roll.event.below(3);
    breadcrumbs(roll, count, |dice, number| {
        if number % 2 == 0 {
            json!({ "type": "http", "category": "http", "level": "info", "data": { "http.method": "GET", "url": format!("http://{}.svc.local/v1/{}", words::noun(dice), dice.below(100_000)), "status_code": 200 } })
        } else {
            json!({ "category": "console", "level": "log", "message": format!("{} took {} ms", words::camel(dice), dice.below(400)) })
        }
    })
}
