//! # Places: where an event comes from, whatever it says
//!
//! **Promise.** What stays of an event when its message, its fingerprint and the way to the crash are dropped: many new issues of one place in a
//! short time are the same bug told in many words. A place has a ready-made fingerprint rule that puts its events together.
//! **How.** Kind, platform, logger, exception types, and the crash frame. Without a frame: the transaction; without that, too, the first word of the
//! message. Rules match what the place is made of; without a frame also the words that all messages seen so far have in common ([`common_words`]).
//! **Not here.** How many are too many, and who is told (`projects::noise`). Reports of browsers and events with a checksum have no place: the
//! former are grouped by what was blocked, the latter by no rule.

use std::fmt::Write as _;

use super::frame::Frame;
use super::hash::Hash;
use super::shape::{self, LogEntry, Object};
use super::suggest::quoted;
use super::text::cut;
use super::title::Kind;
use super::traces::Traces;

/// Characters of a name in a rule; longer ones end in a star there.
const MAX_NAME: usize = 160;
/// Words of a message that are compared.
const MAX_WORDS: usize = 24;
/// Characters of a message that are looked at.
const MAX_SAID: usize = 240;

/// Where an event comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The same for all events of the place.
    pub hash: Hash,
    /// As people call it: "PaymentDeclined in shop.charge_card".
    pub words: String,
    /// What the event says, where that can be a part of the rule; else empty.
    pub said: String,
    matchers: String,
    /// Where the matchers of the frame begin.
    frame_at: usize,
}

impl Place {
    /// The fingerprint rule that gives `fingerprint` to events of this place that `extra` matches, too; empty as for [`rule`](Self::rule).
    /// All of a rule's frame matchers look for one frame: where `extra` names one, the place's own is left out.
    pub fn splitting_rule(&self, extra: &str, fingerprint: &str) -> String {
        let matchers = if extra.contains(" stack.") { &self.matchers[..self.frame_at] } else { &self.matchers };
        let matchers = format!("{matchers}{extra}");
        if matchers.is_empty() { String::new() } else { format!("{} -> {fingerprint}", matchers.trim_start()) }
    }

    /// The fingerprint rule that puts the events of this place together whose messages `pattern` (of [`common_words`]) covers; empty where there
    /// is nothing that a rule could match.
    pub fn rule(&self, pattern: &str) -> String {
        let (mut matchers, mut name) = (self.matchers.clone(), quoted(&self.words));
        if pattern.chars().any(char::is_alphanumeric) {
            let glob = if pattern.ends_with('*') { pattern.to_owned() } else { format!("{pattern}*") };
            let glob = glob.split('*').map(quoted).collect::<Vec<_>>().join("*");
            let _ = write!(matchers, " message:\"{glob}\"");
            let _ = write!(name, ": {}", quoted(pattern.trim_end_matches(['*', ' '])));
        }
        if matchers.is_empty() { String::new() } else { format!("{} -> \"{name}\"", matchers.trim_start()) }
    }
}

/// What two messages, or a pattern and a message, have in common: the words at the beginning and the end, and a star for those between.
pub fn common_words(pattern: &str, text: &str) -> String {
    let words = |text| str::split_whitespace(text).take(MAX_WORDS).collect::<Vec<&str>>();
    let (one, other) = (words(pattern), words(text));
    if one == other {
        return one.join(" ");
    }
    let is_same = |(a, b): &(&&str, &&str)| a == b && **a != "*";
    let head = one.iter().zip(&other).take_while(is_same).count();
    let most = one.len().min(other.len()) - head;
    let tail = one.iter().rev().zip(other.iter().rev()).take(most).take_while(is_same).count();
    let (begin, end) = (&one[..head], &one[one.len() - tail..]);
    begin.iter().chain(&["*"]).chain(end).copied().collect::<Vec<_>>().join(" ")
}

/// The place of an event whose frames are settled.
pub(super) fn place(event: &Object, traces: &Traces<'_>, kind: Kind) -> Option<Place> {
    if !matches!(kind, Kind::Error | Kind::Default) || shape::text(event, "checksum").is_some() {
        return None;
    }
    let types: Vec<&str> = traces.exceptions.iter().map(|owner| shape::text(owner.object, "type").unwrap_or_default()).collect();
    let last = types.last().copied().filter(|kind| !kind.is_empty());
    let logger = shape::text(event, "logger");
    let mut parts = Parts::default();
    parts.hashed.extend([kind.as_str(), shape::platform(event), logger.unwrap_or_default()]);
    parts.hashed.extend(&types);
    if let Some(kind) = last {
        parts.matched("error.type", kind);
    }
    if let Some(logger) = logger {
        parts.matched("logger", logger);
    }
    let subject = last.map_or_else(|| "Messages".to_owned(), |kind| cut(kind, MAX_NAME).into_owned());
    let of_logger = logger.map_or_else(String::new, |logger| format!(" of {}", cut(logger, MAX_NAME)));
    if let Some(frame) = crash_frame(traces) {
        let at = parts.frame(frame);
        return Some(parts.place(format!("{subject} in {at}{of_logger}"), ""));
    }
    let said = traces.exceptions.last().and_then(|owner| shape::text(owner.object, "value")).or_else(|| LogEntry::of(event).shown());
    let said = said.unwrap_or_default().trim_start();
    let said = &said[..said.char_indices().nth(MAX_SAID).map_or(said.len(), |(end, _)| end)];
    let transaction = shape::text(event, "transaction");
    if let Some(transaction) = transaction {
        parts.hashed.push(transaction);
        parts.matched("tags.transaction", transaction);
    } else if last.is_none() && logger.is_none() {
        // Nothing but the words tells one place from another.
        let first = said.split_whitespace().next().filter(|word| word.chars().all(char::is_alphabetic))?;
        parts.hashed.push(first);
    }
    let within = transaction.map_or_else(String::new, |name| format!(" in {}", cut(name, MAX_NAME)));
    Some(parts.place(format!("{subject}{within}{of_logger}"), said))
}

/// The frame that stands for the crash, where it has a name and a rule would find it.
fn crash_frame<'t, 'e>(traces: &'t Traces<'e>) -> Option<&'t Frame<'e>> {
    let has_trace = |owner: &super::traces::Owner<'_>| owner.trace.is_some();
    // Rules look at the exceptions' frames first, whichever of them has some.
    if traces.exceptions.last().is_some_and(|last| !has_trace(last)) && traces.exceptions.iter().any(has_trace) {
        return None;
    }
    traces.crash_frame(|frame| frame.function.is_some_and(|function| !matches!(function, "<redacted>" | "<unknown>")))
}

/// What a place is made of.
#[derive(Default)]
struct Parts<'e> {
    hashed: Vec<&'e str>,
    matchers: String,
    frame_at: Option<usize>,
}

impl<'e> Parts<'e> {
    fn matched(&mut self, key: &str, text: &str) {
        let _ = write!(self.matchers, " {key}:\"{}\"", glob(text));
    }

    /// Adds the frame; what it is called.
    fn frame(&mut self, frame: &Frame<'e>) -> String {
        let function = frame.function.unwrap_or_default();
        let file =
            frame.abs_path.or(frame.filename).map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path)).filter(|file| !file.is_empty());
        self.hashed.extend([function, frame.module.or(file).unwrap_or_default()]);
        self.frame_at = Some(self.matchers.len());
        self.matched("stack.function", function);
        let within = match (frame.module, file) {
            (Some(module), _) => {
                self.matched("stack.module", module);
                format!("{}.", cut(module, MAX_NAME))
            }
            (None, Some(file)) => {
                let _ = write!(self.matchers, " stack.abs_path:\"**{}\"", glob(file));
                format!("{}: ", cut(file, MAX_NAME))
            }
            (None, None) => String::new(),
        };
        format!("{within}{}", cut(function, MAX_NAME))
    }

    fn place(self, words: String, said: &str) -> Place {
        // A zero byte cannot be in a name, so that no two lists of parts are the same text.
        let hash = Hash::of(self.hashed.iter().flat_map(|part| [*part, "\0"]));
        let frame_at = self.frame_at.unwrap_or(self.matchers.len());
        Place { hash, words, said: said.to_owned(), matchers: self.matchers, frame_at }
    }
}

/// A name as a quoted glob that matches it.
fn glob(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}*", quoted(&name[..end])),
        None => quoted(name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Grouping, group};
    use super::*;
    use serde_json::{Value, json};

    fn grouped(event: &Value) -> Grouping {
        group(&mut event.clone(), &Config::standard())
    }

    fn placed(event: &Value) -> Place {
        grouped(event).place.unwrap_or_else(|| panic!("no place: {event}"))
    }

    /// A name, an event for each word, and one of another place.
    type Family = (&'static str, fn(&str) -> Value, Value);

    /// Events of one place, each an issue of its own, and one of another.
    fn families() -> Vec<Family> {
        let frame = |function: &str| json!({"function": function, "module": "shop \"a\"*", "in_app": true});
        let other = json!({"platform": "python", "exception": {"type": "Other", "stacktrace": {"frames": [frame("other")]}}});
        vec![
            (
                "client fingerprints",
                |word| json!({"platform": "python", "fingerprint": [word], "exception": {"type": "E", "value": word, "stacktrace": {"frames": [{"function": "charge", "module": "shop \"a\"*", "in_app": true}]}}}),
                other.clone(),
            ),
            (
                "stacks",
                |word| json!({"platform": "javascript", "exception": {"type": "E{1}", "value": "v", "stacktrace": {"frames": [{"function": word, "filename": "https://a.b/x.js", "in_app": true}, {"function": "get[0]", "abs_path": "C:\\app\\net.js", "filename": "net.js", "in_app": true}]}}}),
                other.clone(),
            ),
            (
                "a logger's messages",
                |word| json!({"platform": "python", "logger": "shop.audit", "message": format!("{word} logged \"out\"")}),
                json!({"platform": "python", "logger": "shop.audit", "message": "disk is full"}),
            ),
            (
                "messages alone",
                |word| json!({"platform": "go", "message": format!("Payment of {word} failed")}),
                json!({"platform": "go", "message": "Disk of koala is full"}),
            ),
            (
                "exceptions without frames",
                |word| json!({"platform": "javascript", "transaction": "/pay?", "exception": {"type": "Error", "value": format!("no {word}")}}),
                json!({"platform": "javascript", "transaction": "/home", "exception": {"type": "Error", "value": "no x"}}),
            ),
        ]
    }

    #[test]
    fn the_rule_of_a_place_puts_its_events_together_and_leaves_others_alone() {
        for (name, event, other) in families() {
            let events = ["quokka", "koala", "wombat"].map(event);
            let places = events.each_ref().map(placed);
            assert!(places.iter().all(|place| place.hash == places[0].hash && place.words == places[0].words), "{name}: {places:?}");
            assert_ne!(placed(&other).hash, if name.contains("logger") { Hash::of([]) } else { places[0].hash }, "{name}");
            let pattern = places.iter().fold(places[0].said.clone(), |pattern, place| common_words(&pattern, &place.said));
            let rule = places[0].rule(&pattern);
            let config =
                Config::with_rules(crate::grouping::Version::NEWEST, "", &rule).unwrap_or_else(|errors| panic!("{name}: {rule}: {errors}"));
            let before = events.each_ref().map(|event| grouped(event).primary());
            assert!(before[0] != before[1] && before[1] != before[2], "{name}: grouping puts them together anyway");
            // One more, which nobody had seen when the rule was made.
            let after = ["quokka", "koala", "wombat", "numbat"].map(|word| group(&mut event(word), &config).hashes);
            assert!(after.iter().all(|hashes| *hashes == after[0]), "{name}: {rule}");
            assert_eq!(group(&mut other.clone(), &config).hashes, grouped(&other).hashes, "{name}: {rule}");
        }
    }

    #[test]
    fn places_are_called_by_what_they_are() {
        let table = [
            (
                json!({"exception": {"type": "E", "stacktrace": {"frames": [{"function": "f", "module": "m"}]}}}),
                "E in m.f",
                "error.type:\"E\" stack.function:\"f\" stack.module:\"m\" -> \"E in m.f\"",
            ),
            (
                json!({"exception": {"type": "E", "stacktrace": {"frames": [{"function": "f", "filename": "a/b.c"}]}}}),
                "E in b.c: f",
                "error.type:\"E\" stack.function:\"f\" stack.abs_path:\"**b.c\" -> \"E in b.c: f\"",
            ),
            (json!({"logger": "l", "message": "a b"}), "Messages of l", "logger:\"l\" message:\"a b*\" -> \"Messages of l: a b\""),
            (json!({"message": "a b"}), "Messages", "message:\"a b*\" -> \"Messages: a b\""),
            (json!({"transaction": "t", "message": "7"}), "Messages in t", "tags.transaction:\"t\" message:\"7*\" -> \"Messages in t: 7\""),
        ];
        for (event, words, rule) in table {
            let place = placed(&event);
            assert_eq!((place.words.as_str(), place.rule(&place.said).as_str()), (words, rule));
        }
        for none in [json!({}), json!({"message": "12 x"}), json!({"message": "x", "checksum": "c"}), json!({"csp": {}, "message": "x"})] {
            assert_eq!(grouped(&none).place, None, "{none}");
        }
    }

    #[test]
    fn messages_have_words_in_common() {
        let table = [
            ("a b c", "a b c", "a b c"),
            ("a x c", "a y c", "a * c"),
            ("a * c", "a z z c", "a * c"),
            ("ana logged out", "bob logged out", "* logged out"),
            ("a", "b", "*"),
            ("* c", "* c", "* c"),
            ("a a", "a", "a *"),
            ("", "a", "*"),
            ("", "", ""),
        ];
        for (one, other, common) in table {
            assert_eq!(common_words(one, other), common, "{one} / {other}");
        }
    }

    #[test]
    fn names_without_end_and_hostile_ones_make_rules_that_can_be_read() {
        for name in ["x".repeat(5000), "é\"\\*?[]{}\n\r\t -> y # ".repeat(40), "{{ default }}".to_owned(), "\"".to_owned()] {
            let frames = json!([{"function": name, "module": name, "in_app": true}]);
            let framed = json!({"logger": name, "exception": {"type": name, "value": name, "stacktrace": {"frames": frames}}});
            let plain = json!({"logger": name, "transaction": name, "message": format!("a {name} b")});
            for event in [framed, plain] {
                let place = placed(&event);
                let rule = place.rule(&place.said);
                assert!(rule.len() < 4000 && rule.lines().count() == 1, "{rule}");
                let config =
                    Config::with_rules(crate::grouping::Version::NEWEST, "", &rule).unwrap_or_else(|errors| panic!("{rule}: {errors}"));
                let grouping = group(&mut event.clone(), &config);
                assert_eq!(grouping.variants[0].name, "custom_server_fingerprint", "{rule} does not match {event}");
            }
        }
    }
}
