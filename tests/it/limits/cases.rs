//! The cases: a way to meet each limit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vedette::protocol::Limits;

use super::builders::{
    FORM, body, envelope, event, form, lines, main_item, number, of_kind, padded, side_item, side_object, to, too_large_item,
};
use super::{Beyond, Books, Case, encoded};

/// All cases. A field of `Limits` that is new does not compile here: it wants its case.
pub(super) fn all(limits: Limits) -> Vec<Case> {
    let Limits {
        envelope,
        store,
        security,
        event,
        attachments_total,
        attachment,
        attachments_count,
        session,
        sessions_count,
        client_report,
        client_reports_count,
        check_in,
        log,
        otlp_logs,
        nel,
        trace_metric,
        span,
        spans_count,
        profile,
        replay,
        user_report,
        other,
        header_line,
    } = limits;
    let mut cases = Vec::new();
    cases.extend(envelopes(("envelope", envelope)));
    cases.extend(stores(("store", store)));
    cases.push(security_reports(("security", security)));
    cases.extend(events(("event", event)));
    cases.extend(attachments(
        ("attachments_total", attachments_total),
        ("attachment", attachment),
        ("attachments_count", attachments_count),
    ));
    cases.extend(sessions(("session", session), ("sessions_count", sessions_count)));
    cases.extend(client_reports(("client_report", client_report), ("client_reports_count", client_reports_count)));
    cases.extend(logs(("log", log), ("otlp_logs", otlp_logs), ("nel", nel)));
    cases.extend(spans(("span", span), ("spans_count", spans_count)));
    cases.extend(others(&[
        ("check_in", check_in),
        ("trace_metric", trace_metric),
        ("profile", profile),
        ("replay", replay),
        ("user_report", user_report),
        ("other", other),
    ]));
    cases.push(header_lines(("header_line", header_line)));
    cases
}

fn envelopes(limit: (&'static str, u64)) -> Vec<Case> {
    let of_event = |size: u64, id: &str| {
        let mut sent = envelope(id, &[event()], true);
        sent.body.resize(size as usize, b'\n');
        sent
    };
    let of_file = |size: u64, id: &str| {
        let of = |filler: u64| form(&[("pad", None, &b"x".repeat(filler as usize)), ("a", Some("a"), b"1")]);
        to(&format!("events/{id}/attachments/"), FORM, of(size - of(0).len() as u64))
    };
    vec![
        body(limit, of_event, |_| lines(&["error stored 1"])),
        body(limit, of_file, |_| lines(&["attachment stored 1", "attachment_item stored 1"])),
    ]
}

fn stores(limit: (&'static str, u64)) -> Vec<Case> {
    let plain = |size: u64, id: &str| to("store/", "application/json", padded(json!({"event_id": id, "message": "boom"}), size));
    let packed = move |size, id: &str, _| {
        let event = plain(size, id).body;
        to("store/", "application/octet-stream", STANDARD.encode(encoded("deflate", &event)).into_bytes())
    };
    let beyond = Beyond::Refused(413, too_large_item("event"), "error invalid too_large:event 1");
    let taken = |_| lines(&["error stored 1"]);
    vec![
        body(limit, plain, taken),
        Case { limit: limit.0, at: limit.1, is_body: false, send: Box::new(packed), taken: Box::new(taken), beyond },
    ]
}

fn violation(sample: &str) -> Value {
    json!({"csp-report": {"document-uri": "https://shop.example/", "effective-directive": "img-src", "blocked-uri": "https://evil.example/a",
        "script-sample": sample}})
}

fn security_reports(limit: (&'static str, u64)) -> Case {
    let send = |size: u64, _: &str| {
        let filler = size as usize - violation("").to_string().len();
        to("security/", "application/csp-report", violation(&"x".repeat(filler)).to_string().into_bytes())
    };
    body(limit, send, |_| lines(&["security stored 1"]))
}

fn events(limit: (&'static str, u64)) -> Vec<Case> {
    let feedback = json!({"contexts": {"feedback": {"message": "It is slow"}}});
    let transaction = json!({"start_timestamp": 1, "timestamp": 2, "contexts": {"trace": {"trace_id": "1", "span_id": "2"}}});
    let fields = |size: u64, _: &str, _| {
        // The later field of a name wins, so that the event made of both is small.
        let (one, two) = (vec![b'x'; size as usize - 302], vec![b'y'; 300]);
        to("minidump/", FORM, form(&[("a", None, &one), ("a", None, &two), ("upload_file_minidump", Some("a"), b"MDMP")]))
    };
    let of_form = |_| lines(&["attachment stored 4", "attachment_item stored 1", "error stored 1"]);
    // What is too long of it is cut, with a note: a crash is not lost for what is said beside it.
    let cut_form = Beyond::LeftOut(Box::new(of_form));
    let check_in = |size: u64, _: &str| to("cron/nightly/", "application/json", padded(json!({"status": "ok"}), size));
    vec![
        main_item(limit, "event", json!({"message": "boom"}), ("error stored 1", "error invalid too_large:event 1")),
        main_item(limit, "feedback", feedback, ("feedback stored 1", "feedback invalid too_large:feedback 1")),
        main_item(limit, "raw_security", violation(""), ("security stored 1", "security invalid too_large:raw_security 1")),
        side_object(
            limit,
            "transaction",
            transaction,
            (
                &["transaction unsupported 1", "transaction_indexed unsupported 1"],
                &["transaction invalid too_large:transaction 1", "transaction_indexed invalid too_large:transaction 1"],
            ),
        ),
        side_object(limit, "security", json!({}), (&["security unsupported 1"], &["security invalid too_large:security 1"])),
        side_object(limit, "form_data", json!({}), (&["unknown unsupported 1"], &["unknown invalid too_large:form_data 1"])),
        Case { limit: limit.0, at: limit.1, is_body: false, send: Box::new(fields), taken: Box::new(of_form), beyond: cut_form },
        // Such a body is an item too, and too large as one.
        body(limit, check_in, |_| lines(&["monitor invalid too_large:check_in 1"])),
    ]
}

fn attachments(total: (&'static str, u64), one: (&'static str, u64), count: (&'static str, u64)) -> Vec<Case> {
    let file = |size: u64, letter: u8| of_kind("attachment", vec![letter; size as usize]);
    let first = 110_000;
    let two = move |size: u64, id: &str, announced| envelope(id, &[event(), file(first, b'a'), file(size - first, b'b')], announced);
    let both = |size: u64| lines(&[&format!("attachment stored {size}"), "attachment_item stored 2", "error stored 1"]);
    let one_of_two = move |size: u64| {
        lines(&[
            &format!("attachment invalid too_large:attachment {}", size - first),
            "attachment_item invalid too_large:attachment 1",
            &format!("attachment stored {first}"),
            "attachment_item stored 1",
            "error stored 1",
        ])
    };
    let stored: &[&str] = &["attachment stored COUNT", "attachment_item stored 1"];
    let left_out: &[&str] = &["attachment invalid too_large:attachment COUNT", "attachment_item invalid too_large:attachment 1"];
    let with_event = |of_file: &'static [&'static str]| {
        move |size: u64| {
            let of_file = of_file.iter().map(|line| line.replace("COUNT", &size.to_string()));
            of_file.chain(["error stored 1".to_owned()]).collect::<Books>()
        }
    };
    let dump = |size: u64, _: &str, _| {
        let dump = [b"MDMP".to_vec(), vec![0; size as usize - 4]].concat();
        to("minidump/", "application/x-dmp", dump)
    };
    let number_of = |taken: u64, surplus: u64| {
        lines(&[
            &format!("attachment stored {taken}"),
            &format!("attachment_item stored {taken}"),
            &format!("attachment invalid duplicate_item {surplus}"),
            &format!("attachment_item invalid duplicate_item {surplus}"),
        ])
    };
    vec![
        Case {
            limit: total.0,
            at: total.1,
            is_body: false,
            send: Box::new(two),
            taken: Box::new(both),
            beyond: Beyond::LeftOut(Box::new(one_of_two)),
        },
        side_item(one, "attachment", |size, _| vec![b'x'; size as usize], (stored, left_out)),
        Case {
            limit: one.0,
            at: one.1,
            is_body: false,
            send: Box::new(dump),
            taken: Box::new(with_event(stored)),
            beyond: Beyond::LeftOut(Box::new(with_event(left_out))),
        },
        side_item(
            one,
            "unreal_report",
            |size, _| vec![b'x'; size as usize],
            (&["error unsupported 1"], &["error invalid too_large:unreal_report 1"]),
        ),
        number(count, move |at| file(1, at as u8), number_of),
    ]
}

fn sessions(one: (&'static str, u64), count: (&'static str, u64)) -> Vec<Case> {
    let update = json!({"started": "2026-11-24T14:00:00Z", "attrs": {"release": "a@1"}});
    let aggregates = json!({"aggregates": [{"exited": 1}], "attrs": {"release": "a@1"}});
    let items = {
        let (update, aggregates) = (update.to_string().into_bytes(), aggregates.to_string().into_bytes());
        move |at: u64| if at.is_multiple_of(2) { of_kind("session", update.clone()) } else { of_kind("sessions", aggregates.clone()) }
    };
    let number_of =
        |taken: u64, surplus: u64| lines(&[&format!("session unsupported {taken}"), &format!("session invalid duplicate_item {surplus}")]);
    vec![
        side_object(one, "session", update, (&["session unsupported 1"], &["session invalid too_large:session 1"])),
        side_object(one, "sessions", aggregates, (&["session unsupported 1"], &["session invalid too_large:sessions 1"])),
        number(count, items, number_of),
    ]
}

fn client_reports(one: (&'static str, u64), count: (&'static str, u64)) -> Vec<Case> {
    let report = json!({"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 1}]});
    let text = report.to_string().into_bytes();
    let number_of = |taken: u64, _| lines(&[&format!("error discarded before_send {taken}")]);
    vec![
        // A report counts others, never itself.
        side_object(one, "client_report", report, (&["error discarded before_send 1"], &[])),
        number(count, move |_| of_kind("client_report", text.clone()), number_of),
    ]
}

fn logs(log: (&'static str, u64), otlp: (&'static str, u64), nel: (&'static str, u64)) -> Vec<Case> {
    let container = json!({"items": [{"timestamp": 1, "trace_id": "a", "level": "info", "body": "b"}]});
    let entry = |size: u64| lines(&["log_item unsupported 1", &format!("log_byte unsupported {size}")]);
    let drain = |size: u64, _: &str| to("integration/vercel/logs/", "application/json", padded(json!({}), size));
    let syslog = |size: u64, _: &str| {
        let filler = size as usize - "1000 ".len();
        to("integration/heroku/logs/", "application/logplex-1", format!("{filler:04} {}", "x".repeat(filler)).into_bytes())
    };
    let records = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}]}]}]});
    let otlp_body = move |size: u64, _: &str| to("integration/otlp/v1/logs/", "application/json", padded(records.clone(), size));
    let report = |size: u64, _: &str| to("nel/", "application/reports+json", padded(json!({"type": "network-error"}), size));
    vec![
        side_object(
            log,
            "log",
            container,
            (
                &["log_item unsupported 1", "log_byte unsupported COUNT"],
                &["log_item invalid too_large:log 1", "log_byte invalid too_large:log COUNT"],
            ),
        ),
        side_object(log, "otel_log", json!({}), (&["log_item unsupported 1"], &["log_item invalid too_large:otel_log 1"])),
        body(log, drain, entry),
        body(log, syslog, entry),
        body(otlp, otlp_body, entry),
        body(nel, report, |_| lines(&["unknown unsupported 1"])),
    ]
}

fn spans(one: (&'static str, u64), count: (&'static str, u64)) -> Vec<Case> {
    let span = json!({"trace_id": "1", "span_id": "2", "start_timestamp": 1, "timestamp": 2});
    let text = span.to_string().into_bytes();
    let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]});
    let traces = move |size: u64, _: &str| to("integration/otlp/v1/traces/", "application/json", padded(request.clone(), size));
    let number_of = |taken: u64, surplus: u64| {
        lines(&[
            &format!("span unsupported {taken}"),
            &format!("span_indexed unsupported {taken}"),
            &format!("span invalid duplicate_item {surplus}"),
            &format!("span_indexed invalid duplicate_item {surplus}"),
        ])
    };
    vec![
        side_object(
            one,
            "span",
            span,
            (
                &["span unsupported 1", "span_indexed unsupported 1"],
                &["span invalid too_large:span 1", "span_indexed invalid too_large:span 1"],
            ),
        ),
        side_object(one, "otel_span", json!({}), (&["span unsupported 1"], &["span invalid too_large:otel_span 1"])),
        side_object(one, "otel_traces_data", json!({}), (&["span unsupported 1"], &["span invalid too_large:otel_traces_data 1"])),
        body(one, traces, |_| lines(&["span unsupported 1", "span_indexed unsupported 1"])),
        number(count, move |_| of_kind("span", text.clone()), number_of),
    ]
}

/// Items that end alone, each kind under its limit.
fn others(limits: &[(&'static str, u64)]) -> Vec<Case> {
    let limit = |name: &str| *limits.iter().find(|limit| limit.0 == name).expect(name);
    let check_in = json!({"monitor_slug": "nightly", "status": "ok"});
    let metrics = json!({"items": [{"timestamp": 1, "trace_id": "a", "type": "counter", "name": "n", "value": 1}]});
    let chunk = json!({"profiler_id": "a", "chunk_id": "b", "platform": "python"});
    let replay = json!({"replay_id": "0123456789abcdef0123456789abcdef", "segment_id": 0});
    let report =
        |size: u64, id: &str| padded(json!({"event_id": id, "name": "Ana", "email": "ana@shop.example", "comments": "It broke"}), size);
    vec![
        side_object(limit("check_in"), "check_in", check_in, (&["monitor unsupported 1"], &["monitor invalid too_large:check_in 1"])),
        side_object(
            limit("trace_metric"),
            "trace_metric",
            metrics,
            (
                &["trace_metric unsupported 1", "trace_metric_byte unsupported COUNT"],
                &["trace_metric invalid too_large:trace_metric 1", "trace_metric_byte invalid too_large:trace_metric COUNT"],
            ),
        ),
        side_object(
            limit("profile"),
            "profile",
            json!({"platform": "python"}),
            (
                &["profile unsupported 1", "profile_indexed unsupported 1", "profile_backend unsupported 1"],
                &["profile invalid too_large:profile 1", "profile_indexed invalid too_large:profile 1"],
            ),
        ),
        side_object(
            limit("profile"),
            "profile_chunk",
            chunk,
            (&["profile_chunk unsupported 1"], &["profile_chunk invalid too_large:profile_chunk 1"]),
        ),
        side_object(limit("replay"), "replay_event", replay, (&["replay unsupported 1"], &["replay invalid too_large:replay_event 1"])),
        side_item(
            limit("replay"),
            "replay_video",
            |size, _| vec![0x80; size as usize],
            (&["replay unsupported 1"], &["replay invalid too_large:replay_video 1"]),
        ),
        side_item(limit("user_report"), "user_report", report, (&["feedback stored 1"], &["feedback invalid too_large:user_report 1"])),
        side_object(limit("other"), "statsd", json!({}), (&["metric_bucket unsupported 1"], &["metric_bucket invalid too_large:statsd 1"])),
        side_object(limit("other"), "of tomorrow", json!({}), (&["unknown unsupported 1"], &["unknown invalid too_large:unknown 1"])),
    ]
}

fn header_lines(limit: (&'static str, u64)) -> Case {
    let send = |size: u64, id: &str, announced: bool| {
        let line = padded(if announced { json!({"type": "event", "length": 18}) } else { json!({"type": "event"}) }, size);
        let body = [json!({"event_id": id}).to_string().as_bytes(), b"\n", &line, b"\n{\"message\":\"boom\"}"].concat();
        to("envelope/", "", body)
    };
    let beyond = Beyond::Refused(400, "invalid event envelope".to_owned(), "unknown invalid invalid_envelope 1");
    Case { limit: limit.0, at: limit.1, is_body: false, send: Box::new(send), taken: Box::new(|_| lines(&["error stored 1"])), beyond }
}
