//! The issue page: header facts, histogram, the event, and at the side what is known about all events.

use askama::Template;
use chrono::Duration;

use super::activity::{ActivityLine, Draft};
use super::corrections::{CorrectionLine, HashLine};
use super::tag_shares::TagShares;
use super::unusual::Unusual;
use super::{level_css, missing::Missing};
use crate::web::pages::files::{AttachmentList, MINIDUMP};
use crate::{
    events::view::{EventView, Segment, samples},
    projects::source_link::SourceLink,
    web::{
        Badge, Page, Sample, Shell, When,
        chart::Bars,
        number,
        page::{HOSTILE, sample_now},
        pages::{feedback::FeedbackPanel, spike::SpikePanel},
        urls,
    },
};

/// A button that posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// "Resolve".
    pub label: &'static str,
    /// The last part of the address: `resolve`, `ignore`, `reopen`.
    pub verb: &'static str,
    /// The key that presses it.
    pub key: &'static str,
    /// The filled one.
    pub main: bool,
}

/// The actions that make sense in a state (`open`, `resolved`, `ignored`); the first is the filled one.
pub fn actions(status: &str) -> Vec<Action> {
    let action = |verb: &'static str, main| {
        let (label, key) = match verb {
            "resolve" => ("Resolve", "r"),
            "ignore" => ("Ignore", "i"),
            _ => ("Reopen", "o"),
        };
        Action { label, verb, key, main }
    };
    match status {
        "resolved" => vec![action("reopen", true), action("ignore", false)],
        "ignored" => vec![action("reopen", true), action("resolve", false)],
        _ => vec![action("resolve", true), action("ignore", false)],
    }
}

/// Facts of the issue.
#[derive(Debug, Clone, Default)]
pub struct IssueHead {
    /// The id in addresses.
    pub id: String,
    /// "SHOP-1842".
    pub short_id: String,
    /// The project's name.
    pub project: String,
    /// The list this issue was found in.
    pub list_href: String,
    /// Printed large.
    pub kind: String,
    /// Printed under it; may be empty.
    pub message: String,
    /// May be empty.
    pub culprit: String,
    /// `error` …
    pub level: String,
    /// State in words: "open", "resolved by Mira", "regressed in 1.4.2".
    pub badges: Vec<Badge>,
    /// Buttons.
    pub actions: Vec<Action>,
    /// Exact.
    pub events: i64,
    /// "41 in the last 24 h", "kept 500".
    pub events_note: String,
    /// Exact.
    pub users: i64,
    /// First event.
    pub first_seen: When,
    /// Its release; may be empty.
    pub first_release: String,
    /// Last event.
    pub last_seen: When,
    /// Its release; may be empty.
    pub last_release: String,
    /// The histogram.
    pub bars: Bars,
    /// "11 Nov": under its left end.
    pub bars_from: String,
}

impl IssueHead {
    fn events_label(&self) -> String {
        number::counted(self.events, "event")
    }

    fn events_text(&self) -> String {
        number::count(self.events)
    }

    fn users_text(&self) -> String {
        if self.users == 0 { "–".to_owned() } else { number::count(self.users) }
    }

    fn users_note(&self) -> &'static str {
        if self.users == 0 { "none named by the SDK" } else { "exact" }
    }

    fn css(&self) -> &'static str {
        level_css(&self.level)
    }
}

/// Where the shown event stands among the stored ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventNav {
    /// "Latest event", "Event 12 of 340".
    pub position: String,
    /// The oldest stored one; nothing when it is shown.
    pub first: Option<String>,
    /// The one before.
    pub previous: Option<String>,
    /// The one after.
    pub next: Option<String>,
    /// The newest; nothing when it is shown.
    pub latest: Option<String>,
}

/// All that `templates/issues/show.html` may print.
#[derive(Debug, Template)]
#[template(path = "issues/show.html")]
pub struct IssuePage {
    /// Around it.
    pub shell: Shell,
    /// The issue.
    pub head: IssueHead,
    /// The shown event.
    pub event: Option<EventView>,
    /// Why there is none, when there is none.
    pub missing: Missing,
    /// The files that came with it.
    pub files: AttachmentList,
    /// Its neighbours.
    pub nav: EventNav,
    /// What stands out of its newest events.
    pub unusual: Unusual,
    /// Shares over all events.
    pub tags: Vec<TagShares>,
    /// How many keys are not shown, and why; may be empty.
    pub tags_note: String,
    /// Why its events are one issue, in a sentence.
    pub why: String,
    /// Its hashes; events are counted under their primary one.
    pub hashes: Vec<HashLine>,
    /// Merges and splits that can be undone.
    pub corrections: Vec<CorrectionLine>,
    /// What people said about it.
    pub feedback: FeedbackPanel,
    /// What the spike detector says.
    pub spike: SpikePanel,
    /// Whoever looks is told of it no more.
    pub is_muted: bool,
    /// Newest first.
    pub activity: Vec<ActivityLine>,
    /// A comment that was not taken.
    pub draft: Draft,
}

impl IssuePage {
    fn json_href(&self) -> String {
        self.event.as_ref().map(|e| urls::event_json(&self.head.id, &e.id)).unwrap_or_default()
    }

    /// Of the shown event; of the issue where none is shown.
    fn markdown_href(&self) -> String {
        self.event.as_ref().map_or_else(|| urls::issue_markdown(&self.head.id), |e| urls::event_markdown(&self.head.id, &e.id))
    }

    fn grouping_href(&self) -> String {
        self.event.as_ref().map(|e| urls::event_grouping(&self.head.id, &e.id)).unwrap_or_default()
    }

    fn action_href(&self, verb: &str) -> String {
        urls::issue_action(&self.head.id, verb)
    }

    /// What stands in the place of an exception's frames.
    fn no_trace(&self) -> &'static str {
        if self.files.rows.iter().any(|file| file.what == MINIDUMP) {
            "A native crash: its dump is kept below as an attachment. Dumps are not symbolicated yet, so there is no stack trace."
        } else {
            "The SDK sent no stack trace for this one."
        }
    }

    /// The event bar's buttons: label, key, address.
    fn neighbours(&self) -> [(&'static str, &'static str, Option<&String>); 4] {
        [
            ("First", "first", self.nav.first.as_ref()),
            ("‹ Previous", "prev", self.nav.previous.as_ref()),
            ("Next ›", "next", self.nav.next.as_ref()),
            ("Latest", "latest", self.nav.latest.as_ref()),
        ]
    }

    fn sample(event: &serde_json::Value) -> Self {
        let now = sample_now();
        let mut counts: Vec<i64> = (0..68).map(|n| 14 + (n * 37) % 23).collect();
        counts.extend([300, 310, 320, 330, 310, 320, 290]);
        let ago = |minutes| When::new(now - Duration::minutes(minutes), now);
        let list = Shell::sample("").query.url();
        let head = IssueHead {
            id: "1842".to_owned(),
            short_id: "SHOP-1842".to_owned(),
            project: "shop-api".to_owned(),
            list_href: list,
            kind: "PaymentDeclined".to_owned(),
            message: "card processor answered 503 for merchant 40127".to_owned(),
            culprit: "checkout.payment in charge_card".to_owned(),
            level: "error".to_owned(),
            badges: vec![Badge::new("regressed in 1.4.2", "regressed")],
            actions: actions("open"),
            events: 2318,
            events_note: "2,180 in 24 h".to_owned(),
            users: 418,
            first_seen: ago(4400),
            first_release: "1.4.1".to_owned(),
            last_seen: ago(2),
            last_release: "1.4.2".to_owned(),
            bars: Bars::new(&counts, 42, "14 days", |i| format!("bar {i}")),
            bars_from: "11 Nov".to_owned(),
        };
        let shares = |key: &str, values: &[(&str, i64)], distinct| {
            TagShares::new(key, &values.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect::<Vec<_>>(), 2318, distinct).linked("shop-api")
        };
        Self {
            shell: Shell::sample("PaymentDeclined · SHOP-1842"),
            head,
            event: Some(sample_event(event)),
            missing: Missing::Dropped,
            files: AttachmentList::sample(),
            nav: EventNav {
                position: "Event 2,318 of 2,318".to_owned(),
                first: Some(urls::event(1842, "first")),
                previous: Some(urls::event(1842, "ab")),
                next: None,
                latest: None,
            },
            unusual: Unusual::sample(),
            tags: vec![
                shares("release", &[("1.4.2", 2248), ("1.4.1", 70)], 2),
                shares("browser", &[("Chrome 131", 1205), ("Firefox 140", 720), ("Safari 19", 280), ("Edge 131", 113)], 4),
                shares("server_name", &[("api-2", 1182), ("api-1", 1136)], 2),
                shares("payment.provider", &[("stripe-eu", 2318)], 1),
                shares("country", &[("DE", 788), ("FR", 500), ("AT", 340)], 23),
            ],
            tags_note: String::new(),
            why: "Same stack in app frames: charge_card ← submit ← application. The number in the message does not count.".to_owned(),
            hashes: vec![
                HashLine { hash: "fc6d8c0c43fc4630ad850ee518f1b9d0".to_owned(), events: "2,000 events".to_owned(), decided: false },
                HashLine { hash: "0c43fc4630ad850ee518f1b9d0fc6d8c".to_owned(), events: "318 events".to_owned(), decided: true },
            ],
            corrections: vec![CorrectionLine { id: 7, text: "Merged".to_owned(), may_undo: true }],
            feedback: FeedbackPanel::sample(),
            spike: SpikePanel::sample(),
            is_muted: false,
            draft: Draft::default(),
            activity: sample_activity(ago),
        }
    }
}

fn sample_activity(ago: impl Fn(i64) -> When) -> Vec<ActivityLine> {
    let line = |who: &str, what: &str, minutes| ActivityLine {
        who: who.to_owned(),
        what: what.to_owned(),
        at: ago(minutes),
        ..ActivityLine::default()
    };
    let said = ActivityLine {
        said: "Stripe had an outage from 14:05.\nNothing to do for us; I told support.".to_owned(),
        delete: Some(urls::comment_delete(1842, 1)),
        ..line("Mira", "", 20)
    };
    vec![said, line("Regressed", "in 1.4.2", 35), line("Mira", "resolved it", 1500), line("First seen", "in 1.4.1", 4400)]
}

fn sample_event(event: &serde_json::Value) -> EventView {
    let mut view = EventView::new(event, sample_now());
    view.link_sources(&SourceLink {
        template: "https://git.example/shop/blob/{release}/{path}#L{line}".to_owned(),
        ..SourceLink::default()
    });
    view
}

impl Page for IssuePage {
    const NAME: &'static str = "issue";

    fn samples() -> Vec<Sample<Self>> {
        let mut resolved = Self::sample(&samples::message());
        resolved.head.actions = actions("resolved");
        resolved.head.badges = vec![Badge::new("resolved by Mira", "good")];
        (resolved.head.kind, resolved.head.message, resolved.head.users) =
            ("Slow checkout".to_owned(), "took 7.2 s, budget 3 s".to_owned(), 0);
        resolved.unusual = Unusual::default();
        let gone =
            Self { event: None, files: AttachmentList::default(), nav: EventNav::default(), ..Self::sample(&serde_json::Value::Null) };
        let damaged = Self { event: None, missing: Missing::Unreadable, ..Self::sample(&serde_json::Value::Null) };
        let mut hostile = Self::sample(&samples::hostile());
        let h = || HOSTILE.to_owned();
        hostile.head = IssueHead {
            id: h(),
            short_id: h(),
            project: h(),
            kind: h(),
            message: h(),
            culprit: h(),
            level: h(),
            badges: vec![Badge::new(h(), "new")],
            events_note: h(),
            first_release: h(),
            last_release: h(),
            bars_from: h(),
            ..hostile.head
        };
        hostile.tags =
            vec![TagShares::new(HOSTILE, &[(h(), 7)], 7, 1), TagShares::new("key", &[("<script>".to_owned(), 7)], 7, 1).linked(HOSTILE)];
        "163 more keys not shown: fewer events have them.".clone_into(&mut hostile.tags_note);
        hostile.why = h();
        hostile.unusual = Unusual::hostile();
        hostile.files = AttachmentList::hostile();
        hostile.feedback = FeedbackPanel::hostile();
        hostile.spike = SpikePanel::hostile();
        hostile.activity = vec![ActivityLine { who: h(), what: h(), said: h(), ..ActivityLine::default() }];
        hostile.draft = Draft { text: format!("{HOSTILE}</textarea>"), error: Some(h()) };
        vec![
            Sample::new("regressed", Self::sample(&samples::python())),
            Sample::new("message-resolved", resolved),
            Sample::new("payload-gone", gone),
            Sample::new("payload-damaged", damaged),
            Sample::new("group-without-app", Self::sample(&samples::group())),
            Sample::new("policy-report", Self::sample(&samples::csp())),
            Sample::new("hostile", hostile),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::page::assert_inert;

    #[test]
    fn hostile_text_is_only_text() {
        assert_inert::<IssuePage>();
    }

    #[test]
    fn a_crash_whose_dump_is_kept_says_so() {
        let page = IssuePage::sample(&samples::python());
        assert!(page.no_trace().contains("not symbolicated yet"), "{}", page.no_trace());
        let page = IssuePage { files: AttachmentList::default(), ..page };
        assert_eq!(page.no_trace(), "The SDK sent no stack trace for this one.");
    }

    #[test]
    fn the_page_shows_what_a_browser_test_reads() {
        let html = IssuePage::sample(&samples::python()).render().unwrap();
        for text in [
            "PaymentDeclined",
            "raised while handling",
            "checkout/payment.py",
            "charge_card",
            "12 frames from django, 2 from middleware.auth",
            "POST https://api.processor.example",
            "Why one issue?",
            "filtered by rule “credit card numbers”",
        ] {
            assert!(html.contains(text), "{text}");
        }
    }

    #[test]
    fn each_state_offers_what_makes_sense() {
        let verbs = |status| actions(status).into_iter().map(|a| a.verb).collect::<Vec<_>>();
        assert_eq!(
            [verbs("open"), verbs("resolved"), verbs("ignored")],
            [["resolve", "ignore"], ["reopen", "ignore"], ["reopen", "resolve"]]
        );
    }
}
