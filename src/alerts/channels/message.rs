//! What a channel is told, in nobody's format yet.

use serde::{Deserialize, Serialize};

use super::text::flat;
use crate::accounts::IssueId;
use crate::alerts::compose::kind_name;
use crate::web::digest_mail::{DigestLine, DigestMail};
use crate::web::feedback_mail::FeedbackMail;
use crate::web::limit_mail::LimitMail;
use crate::web::mail_view::{IssueMail, MailKind};
use crate::web::noise_mail::NoiseMail;
use crate::web::number;
use crate::web::project_mail::ProjectMail;

/// Longest line of one value, in characters.
const LINE: usize = 300;
/// Facts that are told.
const FACTS: usize = 10;
/// Lines of text that are told.
const NOTES: usize = 8;

/// An issue that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::alerts) struct Named {
    /// "SHOP-41".
    pub(in crate::alerts) short_id: String,
    /// "PaymentDeclined: card processor answered 503".
    pub(in crate::alerts) title: String,
    /// Absolute.
    pub(in crate::alerts) url: String,
    /// "error".
    pub(in crate::alerts) level: String,
    /// "new, 12 events, 3 users"; may be empty.
    pub(in crate::alerts) facts: String,
}

impl Named {
    fn of_line(line: &DigestLine) -> Self {
        Self {
            short_id: line.short_id.clone(),
            title: flat(&line.title, LINE),
            url: line.url.clone(),
            level: line.level.clone(),
            facts: line.facts.clone(),
        }
    }
}

/// One message. Every text but the addresses may hold what a stranger typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::alerts) struct Message {
    /// `new_issue`, `digest` …
    pub(in crate::alerts) kind: String,
    /// The project's name.
    pub(in crate::alerts) project: String,
    /// The whole of it in one line: "[shop-api] New: PaymentDeclined: card processor answered 503".
    pub(in crate::alerts) preview: String,
    /// The same without the project.
    pub(in crate::alerts) title: String,
    /// What it is about: the culprit, a sentence. May be empty.
    pub(in crate::alerts) text: String,
    /// Further lines: what is unusual, what people wrote.
    pub(in crate::alerts) notes: Vec<String>,
    /// "Environment", "production".
    pub(in crate::alerts) facts: Vec<(String, String)>,
    /// `error`; empty where it is about no issue.
    pub(in crate::alerts) level: String,
    /// What the link says: "Open SHOP-41".
    pub(in crate::alerts) open: String,
    /// Where it leads, absolute.
    pub(in crate::alerts) url: String,
    /// The one issue that it is about.
    pub(in crate::alerts) issue: Option<IssueId>,
    /// The issues that it names, the most important first.
    pub(in crate::alerts) issues: Vec<Named>,
    /// How many are not named.
    pub(in crate::alerts) more: i64,
    /// The release that nearly all share; may be empty.
    pub(in crate::alerts) release: String,
}

/// How a message looks where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Alarm,
    Warning,
    Plain,
    Good,
}

impl Message {
    fn new(kind: &str, project: &str, preview: &str) -> Self {
        let title = preview.strip_prefix(&format!("[{project}] ")).unwrap_or(preview);
        Self {
            kind: kind.to_owned(),
            project: flat(project, LINE),
            preview: preview.to_owned(),
            title: title.to_owned(),
            ..Self::default()
        }
    }

    fn with_facts<'a>(mut self, facts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let told = facts.into_iter().filter(|(_, value)| !value.trim().is_empty()).take(FACTS);
        self.facts = told.map(|(name, value)| (name.to_owned(), flat(value, LINE))).collect();
        self
    }

    fn with_notes<'a>(mut self, notes: impl IntoIterator<Item = &'a str>) -> Self {
        self.notes = notes.into_iter().take(NOTES).map(|note| flat(note, LINE)).collect();
        self
    }

    fn leading(mut self, open: String, url: &str) -> Self {
        self.open = open;
        url.clone_into(&mut self.url);
        self
    }

    /// About one issue.
    pub(in crate::alerts) fn of_issue(issue: IssueId, mail: &IssueMail, kind: MailKind) -> Self {
        let facts = mail.facts(kind).into_iter().filter(|(name, _)| *name != "Project");
        let name = kind_name(kind);
        let new = Self::new(name, &mail.project, &mail.subject(kind)).with_facts(facts).with_notes(mail.unusual.iter().map(String::as_str));
        let named = Named {
            short_id: mail.short_id.clone(),
            title: flat(&mail.title(), LINE),
            url: mail.url.clone(),
            level: mail.level.clone(),
            facts: String::new(),
        };
        Self {
            text: flat(&mail.culprit, LINE),
            level: mail.level.clone(),
            release: flat(&mail.release, LINE),
            issue: Some(issue),
            issues: vec![named],
            ..new.leading(format!("Open {}", mail.short_id), &mail.url)
        }
    }

    /// About all that was gathered.
    pub(in crate::alerts) fn of_digest(mail: &DigestMail) -> Self {
        let release = flat(&mail.release, LINE);
        Self {
            text: if release.is_empty() { String::new() } else { format!("Nearly all of it in release {release}.") },
            issues: mail.lines.iter().map(Named::of_line).collect(),
            more: mail.more.max(0),
            release,
            ..Self::new("digest", &mail.project, &mail.subject())
                .with_notes(mail.notes.iter().map(String::as_str))
                .leading("Open the newest issues".to_owned(), &mail.url)
        }
    }

    /// About a limit.
    pub(in crate::alerts) fn of_limit(kind: &str, mail: &LimitMail) -> Self {
        let facts = [("Key", &mail.key), ("Limit", &mail.max), ("Since", &mail.since), ("Until", &mail.until), ("Dropped", &mail.dropped)];
        let facts = facts.iter().map(|(name, value)| (*name, value.as_str()));
        Self::new(kind, &mail.project, &mail.subject()).with_facts(facts).leading("Open the limits".to_owned(), &mail.url)
    }

    /// About what people wrote.
    pub(in crate::alerts) fn of_feedback(kind: &str, mail: &FeedbackMail) -> Self {
        let notes: Vec<String> = mail.words.iter().map(|words| format!("{}: {}", words.who, words.message)).collect();
        let new = Self::new(kind, &mail.project, &mail.subject()).with_notes(notes.iter().map(String::as_str));
        new.leading("Open the feedback".to_owned(), &mail.url)
    }

    /// About a place that makes many issues.
    pub(in crate::alerts) fn of_noise(mail: &NoiseMail) -> Self {
        let facts = [("Issues", &mail.issues), ("Since", &mail.since), ("Newest", &mail.samples), ("Suggested rule", &mail.rule)];
        let facts = facts.iter().map(|(name, value)| (*name, value.as_str()));
        let new = Self::new("noisy_place", &mail.project, &mail.subject()).with_facts(facts);
        Self { text: flat(&mail.place, LINE), ..new.leading("Open the newest issues".to_owned(), &mail.url) }
    }

    /// About a project as a whole.
    pub(in crate::alerts) fn of_project(kind: &str, mail: &ProjectMail) -> Self {
        let facts = mail.facts.iter().map(|(name, value)| (*name, value.as_str()));
        Self {
            text: flat(&mail.message, LINE),
            issues: mail.lines.iter().map(Named::of_line).collect(),
            more: mail.more.max(0),
            ..Self::new(kind, &mail.project, &mail.subject()).with_facts(facts).leading(format!("Open {}", mail.open), &mail.url)
        }
    }

    /// What the test button sends.
    pub(in crate::alerts) fn test(project: &str, url: &str) -> Self {
        let preview = format!("[{project}] A test from Vedette");
        let new = Self::new("test", project, &flat(&preview, LINE)).leading("Open the channels".to_owned(), url);
        Self { text: "This channel works: what happens in the project is told here.".to_owned(), ..new }
    }

    pub(super) fn tone(&self) -> Tone {
        match (self.kind.as_str(), self.level.as_str()) {
            ("limit_ended" | "test", _) => Tone::Good,
            ("feedback" | "feedback_batch", _) | (_, "info" | "debug") => Tone::Plain,
            ("limit_reached" | "noisy_place" | "digest" | "events_stopped", _) | (_, "warning") => Tone::Warning,
            _ => Tone::Alarm,
        }
    }

    /// "and 35 more"; empty where all are named.
    pub(super) fn rest(&self) -> String {
        if self.more > 0 { format!("and {} more", number::count(self.more)) } else { String::new() }
    }

    /// The issues of a message about several; of one it says all already.
    pub(super) fn listed(&self) -> &[Named] {
        if self.issue.is_some() { &[] } else { &self.issues }
    }

    /// The same with fewer issues named.
    pub(super) fn naming(&self, most: usize) -> Self {
        let dropped = self.listed().len().saturating_sub(most);
        let mut shorter = self.clone();
        shorter.issues.truncate(self.issues.len() - dropped);
        shorter.more += dropped as i64;
        shorter
    }

    /// All of it as plain text, as the log shows it.
    pub(in crate::alerts) fn plain(&self) -> String {
        let mut lines = vec![self.title.clone()];
        lines.extend(Some(self.text.clone()).filter(|text| !text.is_empty()));
        lines.extend(self.notes.iter().cloned());
        lines.extend(self.facts.iter().map(|(name, value)| format!("{name}: {value}")));
        for named in self.listed() {
            lines.push(format!("{} {} ({})", named.short_id, named.title, named.facts));
        }
        lines.extend(Some(self.rest()).filter(|rest| !rest.is_empty()));
        lines.push(self.url.clone());
        lines.join("\n")
    }
}

/// The largest form that a vendor takes: with fewer and fewer issues named until it fits.
pub(super) fn fitting<T>(message: &Message, form: impl Fn(&Message) -> T, fits: impl Fn(&T) -> bool) -> T {
    let mut most = message.listed().len();
    loop {
        let made = form(&message.naming(most));
        if most == 0 || fits(&made) {
            return made;
        }
        most -= 1;
    }
}
