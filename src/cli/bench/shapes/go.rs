//! `sentry-go` in a gin server.

use serde_json::{Value, json};

use super::words::{self, Language, Source};
use super::{Roll, breadcrumbs, exception, trace};

const KINDS: [(&str, &str); 4] = [
    ("*errors.errorString", "context deadline exceeded"),
    ("*net.OpError", "dial tcp: connect: connection refused"),
    ("*pgconn.PgError", "ERROR: deadlock detected (SQLSTATE 40P01)"),
    ("runtime.Error", "index out of range"),
];

pub(super) fn event(roll: &mut Roll) -> Value {
    let (kind, text) = roll.issue.pick(&KINDS);
    let room = words::noun(&mut roll.issue);
    let (library, source) = (Source::library(Language::Go), Source::new(&mut roll.issue, Language::Go));
    let frames: Vec<Value> = (0..5 + roll.issue.below(2))
        .map(|number| if number < 3 { frame(roll, "gin", (&library, false)) } else { frame(roll, room, (&source, true)) })
        .collect();
    let path = format!("/v1/{room}/{}", words::snake(&mut roll.issue));
    json!({
        "platform": "go", "level": "error", "server_name": format!("gw-{}", roll.event.below(6)), "transaction": format!("GET {path}"),
        "exception": exception(kind, &format!("{text}: {} {}", words::noun(&mut roll.issue), roll.event.below(20_000)), "generic", &frames),
        "breadcrumbs": calls(roll),
        "request": { "url": format!("https://gw.example{path}"), "method": "GET", "query_string": format!("cursor={}", words::hex(&mut roll.event, 12)), "headers": { "User-Agent": "Go-http-client/2.0" } },
        "contexts": {
            "trace": trace(roll, "http.server"),
            "device": { "arch": "amd64", "num_cpu": 4 }, "os": { "name": "linux" },
            "runtime": { "name": "go", "version": "go1.25.4", "go_numroutines": 40 + roll.event.below(400), "go_maxprocs": 4, "go_numcgocalls": 12 },
        },
        "tags": { "tenant": format!("t{}", roll.event.below(40)), "method": "GET" },
        "modules": { "github.com/gin-gonic/gin": "v1.11.0", "github.com/jackc/pgx/v5": "v5.7.6", "github.com/getsentry/sentry-go": "v0.36.2" },
    })
}

fn frame(roll: &mut Roll, room: &str, (source, in_app): (&Source, bool)) -> Value {
    let function = words::pascal(&mut roll.issue);
    let line = roll.issue.below(500) + 15;
    let module = if in_app { format!("example.com/shop/internal/{room}") } else { "github.com/gin-gonic/gin".to_owned() };
    let mut frame = json!({
        "function": format!("(*Server).{function}"), "module": module, "filename": format!("internal/{room}/{room}.go"), "abs_path": format!("/build/internal/{room}/{room}.go"),
        "lineno": line, "in_app": in_app,
    });
    source.show(&mut frame, line);
    frame
}

fn calls(roll: &mut Roll) -> Value {
    let count = 3 + roll.event.below(3);
    breadcrumbs(
        roll,
        count,
        |dice, _| json!({ "category": "grpc", "level": "info", "message": format!("{}/{} ok", words::pascal(dice), words::camel(dice)), "data": { "elapsed_ms": dice.below(250), "peer": "10.0.4.12:9000" } }),
    )
}
