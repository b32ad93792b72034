//! `sentry-sdk` in a Django project.

use serde_json::{Value, json};

use super::words::{self, Language, Source};
use super::{Roll, breadcrumbs, exception, trace};

const KINDS: [(&str, &str); 8] = [
    ("ValueError", "invalid literal for int() with base 10"),
    ("KeyError", "missing key"),
    ("DoesNotExist", "matching query does not exist"),
    ("IntegrityError", "duplicate key value violates unique constraint"),
    ("AttributeError", "'NoneType' object has no attribute"),
    ("TimeoutError", "timed out waiting for upstream"),
    ("TypeError", "unsupported operand type(s) for +"),
    ("ConnectionError", "connection refused by host"),
];

const FRAMEWORK: [(&str, &str, &str, u64); 2] = [
    ("django.core.handlers.exception", "django/core/handlers/exception.py", "inner", 55),
    ("django.core.handlers.base", "django/core/handlers/base.py", "_get_response", 197),
];

pub(super) fn event(roll: &mut Roll) -> Value {
    let (kind, text) = roll.issue.pick(&KINDS);
    let (library, source) = (Source::library(Language::Python), Source::new(&mut roll.issue, Language::Python));
    let mut frames: Vec<Value> = FRAMEWORK.iter().map(|frame| library_frame(roll, &library, *frame)).collect();
    let room = words::noun(&mut roll.issue);
    let path = format!("/{room}/{}/", words::snake(&mut roll.issue));
    for _ in 0..2 + roll.issue.below(2) {
        frames.push(app_frame(roll, room, &source));
    }
    let value = format!("{text}: {} {}", words::noun(&mut roll.issue), roll.event.below(100_000));
    json!({
        "platform": "python", "level": "error", "server_name": format!("web-{}", roll.event.below(4)),
        "logger": Value::Null, "transaction": path, "transaction_info": { "source": "route" },
        "exception": exception(kind, &value, "django", &frames),
        "breadcrumbs": queries(roll),
        "request": request(roll, &path),
        "contexts": {
            "trace": trace(roll, "http.server"),
            "runtime": { "name": "CPython", "version": "3.12.7" },
        },
        "tags": { "tenant": format!("t{}", roll.event.below(40)), "region": roll.event.pick(&["eu-west", "eu-north", "us-east"]) },
        "extra": { "sys.argv": ["gunicorn", "shop.wsgi"] },
        "modules": { "django": "5.2.8", "gunicorn": "23.0.0", "psycopg": "3.2.12", "sentry-sdk": "2.44.0" },
    })
}

fn library_frame(roll: &mut Roll, source: &Source, (module, file, function, line): (&str, &str, &str, u64)) -> Value {
    let mut frame = json!({
        "module": module, "filename": file, "abs_path": format!("/srv/shop/.venv/lib/python3.12/site-packages/{file}"), "function": function,
        "lineno": line, "in_app": false,
        "vars": { "request": format!("<WSGIRequest: GET '/?page={}'>", roll.event.below(90)) },
    });
    source.show(&mut frame, line);
    frame
}

fn app_frame(roll: &mut Roll, room: &str, source: &Source) -> Value {
    let function = words::snake(&mut roll.issue);
    let line = roll.issue.below(400) + 12;
    let mut frame = json!({
        "module": format!("shop.{room}.services"), "filename": format!("shop/{room}/services.py"), "abs_path": format!("/srv/shop/shop/{room}/services.py"),
        "function": function, "lineno": line, "in_app": true,
        "vars": {
            "self": format!("<shop.{room}.services.{} object at 0x7f52e81a4{:03x}>", words::capital(room), roll.event.below(1 << 12)),
            room: format!("<{}: {}>", words::capital(room), roll.event.below(1_000_000)),
            "total": format!("Decimal('{}.00')", roll.event.below(5_000)),
        },
    });
    source.show(&mut frame, line);
    frame
}

fn queries(roll: &mut Roll) -> Value {
    let count = 2 + roll.event.below(3);
    breadcrumbs(roll, count, |dice, number| {
        if number % 3 == 2 {
            json!({ "type": "http", "category": "httplib", "data": { "url": format!("https://stock.internal/v2/{}/{}", words::noun(dice), dice.below(9000)), "method": "GET", "status_code": 200 } })
        } else {
            let (table, column) = (words::noun(dice), words::noun(dice));
            json!({ "type": "default", "category": "query", "level": "info", "message": format!("SELECT \"{table}\".\"id\", \"{table}\".\"{column}\" FROM \"{table}\" WHERE \"{table}\".\"id\" = %s LIMIT 21"), "data": {} })
        }
    })
}

fn request(roll: &mut Roll, path: &str) -> Value {
    json!({
        "url": format!("https://shop.example{path}"), "method": "GET", "query_string": format!("page={}&sort=price", roll.event.below(90)),
        "headers": {
            "Host": "shop.example", "Accept": "text/html",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
        },
        "env": { "SERVER_NAME": "shop.example", "SERVER_PORT": "443" },
    })
}
