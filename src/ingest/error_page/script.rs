//! The dialog's script, with the texts of one page in it.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

const DIALOG: &str = include_str!("dialog.js");

/// What the dialog says unless the page says otherwise.
const TEXTS: [(&str, &str); 11] = [
    ("title", "It looks like we're having issues."),
    ("subtitle", "Our team has been notified."),
    ("subtitle2", "If you'd like to help, tell us what happened below."),
    ("labelName", "Name"),
    ("labelEmail", "Email"),
    ("labelComments", "What happened?"),
    ("labelClose", "Close"),
    ("labelSubmit", "Submit Crash Report"),
    ("errorGeneric", "An unknown error occurred while submitting your report. Please try again."),
    ("errorFormEntry", "Some fields were invalid. Please correct the errors and try again."),
    ("successMessage", "Your feedback has been sent. Thank you!"),
];
/// What else a page may say; nothing by default.
const FILLED: [&str; 3] = ["name", "email", "lang"];

/// The query of a request.
#[derive(Debug)]
pub(super) struct Options<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Options<'q> {
    /// What stands in a query.
    pub(super) fn of(query: &'q str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// The first value of a name, empty without one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }
}

/// The script that shows the dialog. It posts to its own address, or to `endpoint` where a page hides that from it.
pub(super) fn script(options: &Options<'_>, endpoint: &str) -> String {
    let given = |name: &str, default: &str| match options.text(name) {
        "" => default.to_owned(),
        text => text.to_owned(),
    };
    let texts = TEXTS.iter().map(|(name, default)| ((*name).to_owned(), Value::String(given(name, default))));
    let filled = FILLED.iter().map(|name| ((*name).to_owned(), Value::String(given(name, ""))));
    let mut all: Map<String, Value> = texts.chain(filled).collect();
    all.insert("endpoint".to_owned(), Value::String(endpoint.to_owned()));
    format!("(function () {{\n{DIALOG}\nshowDialog({});\n}})();\n", literal(&Value::Object(all)))
}

/// JSON as a literal that is one wherever a script may stand: nothing in it ends a script element, opens a comment or breaks a line.
fn literal(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        // Outside of texts JSON has none of these.
        if matches!(c, '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' | '\u{7f}'..='\u{9f}' | '\u{feff}') {
            // Writing to a text cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The literal in a script.
    fn literal_in(script: &str) -> &str {
        let (_, rest) = script.rsplit_once("\nshowDialog(").unwrap();
        rest.strip_suffix(");\n})();\n").unwrap()
    }

    #[test]
    fn texts_have_defaults_and_pages_may_say_otherwise() {
        let query = "dsn=http://0123456789abcdef0123456789abcdef@127.0.0.1:9797/42&eventId=x&name=Jane&email=jane%40example.com&title=Oops&labelClose=+&lang=de";
        let script = script(&Options::of(query), "https://errors.example/api/embed/error-page/?a=b&c");
        let texts: Value = serde_json::from_str(literal_in(&script)).unwrap();
        for (name, text) in [
            ("title", "Oops"),
            ("name", "Jane"),
            ("email", "jane@example.com"),
            ("lang", "de"),
            ("labelClose", "Close"),
            ("subtitle", "Our team has been notified."),
            ("endpoint", "https://errors.example/api/embed/error-page/?a=b&c"),
        ] {
            assert_eq!(texts[name], text, "{name}");
        }
        assert_eq!(texts.as_object().unwrap().len(), TEXTS.len() + FILLED.len() + 1);
        assert_eq!(Options::of(query).text("dsn"), "http://0123456789abcdef0123456789abcdef@127.0.0.1:9797/42");
    }

    #[test]
    fn no_text_can_leave_its_literal() {
        let hostile = "</script><script>alert(1)</script>\"';\\\u{2028}\u{2029}<!--\n\r\u{0}*/${alert(2)}`é";
        let names = TEXTS.iter().map(|(name, _)| *name).chain(FILLED);
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(names.map(|name| (name, hostile))).finish();
        let script = script(&Options::of(&query), hostile);
        let literal = literal_in(&script);
        assert!(!literal.contains(['<', '>', '&', '\'', '\u{2028}', '\u{2029}', '\n', '\r', '\0']), "{literal}");
        let texts: Value = serde_json::from_str(literal).unwrap();
        assert!(texts.as_object().unwrap().values().all(|text| text == hostile), "{texts}");
    }

    #[test]
    fn the_dialog_makes_no_markup_of_texts() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "cookie", "localStorage"] {
            assert!(!DIALOG.contains(way), "{way}");
        }
    }
}
