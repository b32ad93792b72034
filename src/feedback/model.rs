//! What a person said, read from a normalised event; and what may become of it. Pure.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::accounts::ProjectId;

/// Characters of a message. Sentry drops longer ones too.
pub const MAX_MESSAGE: usize = 4096;
const MAX_NAME: usize = 256;
const MAX_EMAIL: usize = 256;
const MAX_URL: usize = 2048;
const MAX_WORD: usize = 64;
const MAX_RELEASE: usize = 256;
/// What Unreal's crash reporter writes when nobody sat before it.
const UNATTENDED: &str = "Sent in the unattended mode";

/// Which of two identities it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An item with an id of its own.
    Feedback,
    /// A user report: its id is its event's, and an event has one.
    Report,
}

impl Kind {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Report => "report",
        }
    }
}

/// What people made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Nobody has answered.
    #[default]
    Open,
    /// Done with.
    Resolved,
    /// Nobody need read it.
    Spam,
}

impl Status {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Open, Self::Resolved, Self::Spam];

    /// As it is stored and stands in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Spam => "spam",
        }
    }

    /// The status of a text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The action that leads to it: the value of a form's `action`.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Open => "reopen",
            Self::Resolved => "resolve",
            Self::Spam => "spam",
        }
    }

    /// The status that an action leads to.
    pub fn after(verb: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.verb() == verb)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why there is nothing to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// Nobody said anything.
    Empty,
    /// More than [`MAX_MESSAGE`].
    TooLong,
}

/// What is known of it beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Whose.
    pub project: ProjectId,
    /// Which kind of id it has.
    pub kind: Kind,
    /// That id.
    pub report_id: Uuid,
    /// When the request arrived.
    pub received: DateTime<Utc>,
}

/// A row of `feedback`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// What it is.
    pub about: About,
    /// The event it is about.
    pub event_id: Option<Uuid>,
    /// Who says it; these texts may all be empty, but for the message.
    pub name: String,
    /// Where to answer; any text.
    pub email: String,
    /// What they say.
    pub message: String,
    /// The page they were on; any text.
    pub url: String,
    /// A recording, by its id.
    pub replay_id: String,
    /// How it was given.
    pub source: String,
    /// The event's release.
    pub release: String,
    /// The event's environment.
    pub environment: String,
}

impl NewReport {
    /// What stands in `contexts.feedback` of a normalised event. Name and address come from its user where they stand nowhere else.
    pub fn of(event: &Value, about: About) -> Result<Self, Unusable> {
        let said = event.pointer("/contexts/feedback").unwrap_or(&Value::Null);
        let field = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default().trim();
        let user = |key: &str| event.get("user").and_then(|user| user.get(key)).and_then(Value::as_str).unwrap_or_default().trim();
        let of_event = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let message = field("message");
        if message.is_empty() || message == UNATTENDED {
            return Err(Unusable::Empty);
        }
        if message.chars().nth(MAX_MESSAGE).is_some() {
            return Err(Unusable::TooLong);
        }
        let first = |texts: &[&str]| texts.iter().find(|text| !text.is_empty()).copied().unwrap_or_default().to_owned();
        // What is no id says nothing, and does not cost the words.
        let associated = Uuid::try_parse(field("associated_event_id")).ok();
        Ok(Self {
            event_id: if about.kind == Kind::Report { Some(about.report_id) } else { associated },
            name: cut(&first(&[field("name"), user("name"), user("username")]), MAX_NAME),
            email: cut(&first(&[field("contact_email"), user("email")]), MAX_EMAIL),
            message: cut(message, MAX_MESSAGE),
            url: cut(field("url"), MAX_URL),
            replay_id: cut(field("replay_id"), MAX_WORD),
            source: cut(field("source"), MAX_WORD),
            release: cut(of_event("release"), MAX_RELEASE),
            environment: cut(of_event("environment"), MAX_WORD),
            about,
        })
    }
}

/// A text for a column: no NUL, at most so many characters.
fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).map(|c| if c == '\0' { '\u{fffd}' } else { c }).collect()
}

/// An address that a mail program may be opened with: one `@`, a domain with a dot, and no character that means anything in a URL or a header.
pub(super) fn is_address(text: &str) -> bool {
    let plain = |part: &str, odd: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || odd.as_bytes().contains(&b));
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    plain(local, ".!#$'*+/=^_`{|}~-") && plain(domain, ".-") && dotted(local) && dotted(domain) && domain.contains('.')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn about(kind: Kind) -> About {
        About { project: ProjectId(1), kind, report_id: Uuid::from_u128(7), received: DateTime::UNIX_EPOCH }
    }

    fn of(event: &Value) -> Result<NewReport, Unusable> {
        NewReport::of(event, about(Kind::Feedback))
    }

    #[test]
    fn everything_that_is_known_is_kept() {
        let event = json!({
            "release": "1.0", "environment": "production",
            "contexts": {"feedback": {
                "message": " It broke.\n", "contact_email": "ana@example.test", "name": "Ana", "url": "https://shop.example/cart", "source": "widget",
                "associated_event_id": "46EB2340-2e3e-4514-80a0-eca2f4f297ca", "replay_id": "0123456789abcdef0123456789abcdef",
            }},
            "user": {"email": "other@example.test", "username": "other"},
        });
        let report = of(&event).unwrap();
        assert_eq!((report.message.as_str(), report.name.as_str(), report.email.as_str()), ("It broke.", "Ana", "ana@example.test"));
        assert_eq!((report.url.as_str(), report.source.as_str()), ("https://shop.example/cart", "widget"));
        assert_eq!((report.release.as_str(), report.environment.as_str()), ("1.0", "production"));
        assert_eq!(report.event_id, Uuid::try_parse("46eb23402e3e451480a0eca2f4f297ca").ok());
        assert_eq!(report.replay_id, "0123456789abcdef0123456789abcdef");
    }

    #[test]
    fn name_and_address_may_stand_in_the_user() {
        let with = |user: Value| of(&json!({"contexts": {"feedback": {"message": "x", "name": " "}}, "user": user})).unwrap();
        let ana = with(json!({"name": "Ana K", "username": "ana", "email": "ana@example.test"}));
        assert_eq!((ana.name.as_str(), ana.email.as_str()), ("Ana K", "ana@example.test"));
        assert_eq!(with(json!({"username": "ana"})).name, "ana");
        assert_eq!(with(json!("odd")).name, "");
    }

    #[test]
    fn words_are_kept_whatever_stands_beside_them() {
        let odd =
            json!({"contexts": {"feedback": {"message": "x\u{0}y", "associated_event_id": "no id", "url": 7, "name": "é".repeat(9000)}}});
        let report = of(&odd).unwrap();
        assert_eq!((report.message.as_str(), report.event_id, report.url.as_str()), ("x\u{fffd}y", None, ""));
        assert_eq!(report.name.chars().count(), MAX_NAME);
    }

    #[test]
    fn what_says_nothing_or_too_much_is_not_kept() {
        let message = |text: &str| of(&json!({"contexts": {"feedback": {"message": text}}})).map(|report| report.message.chars().count());
        for empty in ["", " \n\t", UNATTENDED] {
            assert_eq!(message(empty), Err(Unusable::Empty), "{empty:?}");
        }
        assert_eq!(of(&json!({})), Err(Unusable::Empty));
        assert_eq!(of(&json!({"contexts": {"feedback": "text"}})), Err(Unusable::Empty));
        for (length, kept) in [(4095, Ok(4095)), (4096, Ok(4096)), (4097, Err(Unusable::TooLong))] {
            assert_eq!(message(&"é".repeat(length)), kept);
        }
    }

    #[test]
    fn a_report_is_about_the_event_whose_id_it_has() {
        let report = NewReport::of(&json!({"contexts": {"feedback": {"message": "x"}}}), about(Kind::Report)).unwrap();
        assert_eq!(report.event_id, Some(Uuid::from_u128(7)));
    }

    #[test]
    fn only_plain_addresses_become_links() {
        for good in ["ana@example.test", "a.b+c@x-y.example.org"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "ana",
            "@example.test",
            "ana@",
            "ana@localhost",
            "a@b@c.test",
            "ana@example.test?bcc=all@example.test",
            "ana@example.test\r\nBcc: x@y.test",
            "a b@example.test",
            "\"a\"@example.test",
            "javascript:alert(1)@example.test",
            "ana@example..test",
            "a%0d@example.test",
            "é@example.test",
            "a&b@example.test",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn actions_lead_to_states() {
        assert_eq!(Status::after("resolve"), Some(Status::Resolved));
        assert_eq!((Status::after("reopen"), Status::after("x"), Status::parse("spam")), (Some(Status::Open), None, Some(Status::Spam)));
    }
}
