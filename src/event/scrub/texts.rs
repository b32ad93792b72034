//! # The rules of texts, in their order
//!
//! **Promise.** The default rules, addresses and sensitive fields meet a text in the order in which Relay applies them (by name: `@bearer`, `@creditcard`,
//! `@iban`, `@ip`, `@password`, `@pemkey`, `@urlauth`, `@usssn`, then sensitive fields), so that the same rule gets the credit in `_meta`.
//!
//! **How.** A text that nobody has rewritten is first only looked at; nearly all texts end there.

use serde_json::Value;

use super::chunks::{Chunks, Edit};
use super::names;
use super::patterns::{Hints, PATTERNS, Pattern};
use super::selector::Spot;
use super::{FILTERED, Plan};
use crate::event::meta::{Remark, RemarkKind};

/// The rule that secret words are removed by.
const PASSWORD: &str = "@password:filter";
/// The rule of a project's sensitive fields.
const SENSITIVE: &str = "strip-fields";
/// The rule of session cookies.
pub(super) const COOKIE: &str = "@anything:filter";

/// The edit of nearly all rules.
fn filter(rule: &str) -> Edit<'_> {
    Edit { rule, kind: RemarkKind::Substituted, write: &|_| FILTERED.to_owned() }
}

impl Plan {
    /// The rule that makes the key of a value a secret.
    pub(super) fn secret_key(&self, spot: &Spot<'_>) -> Option<&'static str> {
        let key = spot.key()?;
        if self.defaults && PATTERNS.key_words.is_match(key) {
            return Some(PASSWORD);
        }
        self.sensitive.as_ref().is_some_and(|words| words.is_match(key)).then_some(SENSITIVE)
    }

    pub(super) fn is_excluded(&self, spot: &Spot<'_>, value: &Value) -> bool {
        self.excluded.iter().any(|path| path.matches(spot, value))
    }

    pub(super) fn is_cookie(&self, spot: &Spot<'_>) -> bool {
        self.defaults && spot.key().is_some_and(|key| names::is_session_cookie(key, spot.parent.and_then(Spot::key)))
    }

    /// Whether the rules find anything in a text that nobody has rewritten yet.
    fn suspects(&self, text: &str) -> bool {
        let hints = Hints::of(text);
        let found = |pattern: &Pattern| hints.allow(&pattern.needs) && pattern.regex.is_match(text);
        (self.defaults && (PATTERNS.text_words.is_match(text) || filters().into_iter().any(found)))
            || (self.addresses && (found(&PATTERNS.ipv4) || found(&PATTERNS.ipv6)))
            || self.sensitive.as_ref().is_some_and(|words| words.is_match(text))
    }

    /// The text after all rules, and the remarks on it; `None` when there is nothing to do.
    pub(super) fn rewrite(&self, text: &str, value: &Value, spot: &Spot<'_>, remarks: &[Remark]) -> Option<(String, Vec<Remark>)> {
        if text.is_empty() {
            return None;
        }
        let (key, cookie) = (self.secret_key(spot), self.is_cookie(spot));
        if key.is_none() && !cookie && remarks.is_empty() && !self.suspects(text) {
            return None;
        }
        let mut chunks = Chunks::new(text, remarks);
        if !self.is_excluded(spot, value) {
            self.rules(&mut chunks, key);
        }
        if cookie {
            chunks.replace(&PATTERNS.line, 0, &filter(COOKIE));
        }
        let (new, remarks) = chunks.finish();
        (new != text).then_some((new, remarks))
    }

    /// The rules of examined texts, in Relay's order.
    fn rules(&self, chunks: &mut Chunks<'_>, key: Option<&'static str>) {
        let [card, iban, bearer, pem, url, ssn] = filters();
        let apply = |chunks: &mut Chunks<'_>, patterns: &[(&Pattern, &str)]| {
            for (pattern, rule) in patterns.iter().filter(|_| self.defaults) {
                chunks.replace(&pattern.regex, pattern.group, &filter(rule));
            }
        };
        apply(chunks, &[(bearer, "@bearer:filter"), (card, "@creditcard:filter"), (iban, "@iban:filter")]);
        if self.addresses {
            let edit = Edit { rule: "@ip:replace", kind: RemarkKind::Substituted, write: &|_| "[ip]".to_owned() };
            chunks.replace(&PATTERNS.ipv4.regex, PATTERNS.ipv4.group, &edit);
            chunks.replace(&PATTERNS.ipv6.regex, PATTERNS.ipv6.group, &edit);
        }
        if self.defaults && (key == Some(PASSWORD) || chunks.is_match(&PATTERNS.text_words)) {
            chunks.replace_all(&filter(PASSWORD));
        }
        apply(chunks, &[(pem, "@pemkey:filter"), (url, "@urlauth:legacy"), (ssn, "@usssn:filter")]);
        if let Some(words) = &self.sensitive
            && (key == Some(SENSITIVE) || chunks.is_match(words))
        {
            chunks.replace_all(&filter(SENSITIVE));
        }
    }

    /// The text of a session cookie, taken out line by line.
    pub(super) fn cookie(text: &str, remarks: &[Remark]) -> (String, Vec<Remark>) {
        let mut chunks = Chunks::new(text, remarks);
        chunks.replace(&PATTERNS.line, 0, &filter(COOKIE));
        chunks.finish()
    }

    /// A text for people after its own rules.
    pub(super) fn prose(&self, text: &str, remarks: &[Remark]) -> Option<(String, Vec<Remark>)> {
        if !self.defaults {
            return None;
        }
        let hints = Hints::of(text);
        let p = &*PATTERNS;
        let forms = [
            (&p.bearer, "@bearer:replace", "Bearer [token]"),
            (&p.card, "@creditcard:replace", "[creditcard]"),
            (&p.email, "@email:replace", "[email]"),
            (&p.iban, "@iban:replace", "[iban]"),
            (&p.ssn, "@usssn:replace", "[us-ssn]"),
        ];
        if !forms.iter().any(|(pattern, ..)| hints.allow(&pattern.needs) && pattern.regex.is_match(text)) {
            return None;
        }
        let mut chunks = Chunks::new(text, remarks);
        for (pattern, rule, form) in forms {
            chunks.replace(&pattern.regex, pattern.group, &Edit { rule, kind: RemarkKind::Substituted, write: &|_| form.to_owned() });
        }
        let (new, remarks) = chunks.finish();
        (new != text).then_some((new, remarks))
    }
}

/// The patterns of the defaults, without the words.
fn filters() -> [&'static Pattern; 6] {
    let p = &*PATTERNS;
    [&p.card, &p.iban, &p.bearer, &p.pem, &p.url, &p.ssn]
}
