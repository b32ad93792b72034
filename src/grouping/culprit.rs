//! # The culprit
//!
//! **Promise.** One short line that says where an event comes from (grouping.md 16): what the client said, the transaction, or the frame at fault.

use super::frame::Frame;
use super::shape::{self, Object};
use super::text::cut;
use super::traces::Traces;

const MAX: usize = 200;

/// The culprit of an event; may be empty.
pub(super) fn culprit(event: &Object, traces: &Traces<'_>) -> String {
    let said = shape::text(event, "culprit").or_else(|| shape::text(event, "transaction"));
    let culprit = said.map_or_else(|| generated(event, traces), str::to_owned);
    cut(&culprit, MAX).into_owned()
}

fn generated(event: &Object, traces: &Traces<'_>) -> String {
    let trace = match traces.exceptions.last() {
        Some(last) if shape::is_synthetic(last.object) => return String::new(),
        Some(_) => traces.exceptions.iter().rev().find_map(|owner| owner.trace.as_ref()),
        None => traces.own.as_ref(),
    };
    let at_fault = trace.map(|trace| at_fault(&trace.frames)).filter(|culprit| !culprit.is_empty());
    let url = || shape::object(event, "request").and_then(|request| shape::text(request, "url")).unwrap_or_default().to_owned();
    at_fault.unwrap_or_else(url)
}

/// The in-app frame nearest the crash, else the newest frame.
fn at_fault(frames: &[Frame<'_>]) -> String {
    let in_app = frames.iter().rev().filter(|frame| frame.in_app == Some(true)).map(place).find(|place| !place.is_empty());
    let newest_other = || frames.iter().rev().find(|frame| frame.in_app != Some(true)).map(place);
    in_app.or_else(newest_other).unwrap_or_default()
}

fn place(frame: &Frame<'_>) -> String {
    let function = frame.function.unwrap_or("?");
    match (frame.platform, frame.module.or(frame.filename)) {
        ("objc" | "cocoa" | "native", _) => function.to_owned(),
        (_, None) => String::new(),
        ("javascript" | "node", Some(file)) => format!("{function}({file})"),
        (_, Some(file)) => format!("{file} in {function}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::version::Version;
    use super::*;
    use serde_json::{Value, json};

    fn of(event: &Value) -> String {
        let event = event.as_object().unwrap();
        culprit(event, &Traces::read(event, Version::NEWEST))
    }

    #[test]
    fn culprits() {
        let frames = json!({"frames": [{"function": "a", "module": "m", "in_app": true}, {"function": "b", "filename": "b.py"}]});
        let with =
            |platform: &str, mechanism: Value| json!({"platform": platform, "exception": {"stacktrace": frames, "mechanism": mechanism}});
        let table = [
            (json!({"culprit": "said", "transaction": "t"}), "said"),
            (json!({"culprit": "", "transaction": "t"}), "t"),
            (with("python", json!(null)), "m in a"),
            (with("javascript", json!(null)), "a(m)"),
            (with("native", json!(null)), "a"),
            (with("python", json!({"synthetic": true})), ""),
            (json!({"platform": "python", "stacktrace": {"frames": [{"filename": "x.py"}]}}), "x.py in ?"),
            (json!({"platform": "python", "stacktrace": {"frames": [{"function": "x"}]}, "request": {"url": "http://u/"}}), "http://u/"),
            (json!({"threads": [{"stacktrace": frames}]}), ""),
            (json!({}), ""),
        ];
        for (event, expected) in table {
            assert_eq!(of(&event), expected, "{event}");
        }
        assert_eq!(of(&json!({"transaction": "x".repeat(300)})).chars().count(), 200);
    }
}
