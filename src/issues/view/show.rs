//! The issue page: header facts, histogram, the event, and at the side what is known about all events.

use askama::Template;
use chrono::Duration;

use super::{level_css, missing::Missing};
use crate::{
    events::view::{EventView, Segment, samples},
    web::{
        Badge, Page, Sample, Shell, When,
        chart::Bars,
        number,
        page::{HOSTILE, sample_now},
        pages::feedback::FeedbackPanel,
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

/// One piece of a tag's bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Left edge, 0 to 100.
    pub x: String,
    /// Width, 0 to 100.
    pub width: String,
    /// `s0` … `s3`.
    pub css: &'static str,
}

/// The shares of one tag's values among all events of the issue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagShares {
    /// Its name.
    pub key: String,
    /// "4 values".
    pub head: String,
    /// The most frequent value.
    pub top: String,
    /// "97 %".
    pub top_share: String,
    /// The bar.
    pub pieces: Vec<Piece>,
    /// Value and share, most frequent first.
    pub values: Vec<(String, String)>,
}

impl TagShares {
    /// Shares of `values` (most frequent first) among `total` events that have the tag; `distinct` counts values beyond the kept ones too.
    pub fn new(key: &str, values: &[(String, i64)], total: i64, distinct: i64) -> Self {
        const SHOWN: usize = 3;
        let total = total.max(values.iter().map(|(_, n)| n.max(&0)).sum());
        let mut pieces = Vec::new();
        let mut x = 0.0;
        for (index, (_, n)) in values.iter().take(SHOWN).enumerate() {
            let width = number::percent(*n, total);
            // A gap of half a unit tells neighbours apart.
            pieces.push(Piece { x: format!("{x:.1}"), width: format!("{:.1}", (width - 0.5).max(0.2)), css: ["s0", "s1", "s2"][index] });
            x += width;
        }
        if x < 99.5 && total > 0 {
            pieces.push(Piece { x: format!("{x:.1}"), width: format!("{:.1}", 100.0 - x), css: "s3" });
        }
        let (top, count) = values.first().cloned().unwrap_or_default();
        Self {
            key: key.to_owned(),
            head: number::counted(distinct.max(values.len() as i64), "value"),
            top,
            top_share: number::share(count, total),
            pieces,
            values: values.iter().map(|(value, n)| (value.clone(), number::share(*n, total))).collect(),
        }
    }
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityLine {
    /// "Mira", "First seen"; printed bold.
    pub who: String,
    /// "resolved it", "in 1.4.1".
    pub what: String,
    /// When.
    pub at: When,
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
    /// Its neighbours.
    pub nav: EventNav,
    /// Shares over all events.
    pub tags: Vec<TagShares>,
    /// Why its events are one issue, in a sentence.
    pub why: String,
    /// What people said about it.
    pub feedback: FeedbackPanel,
    /// Newest first.
    pub activity: Vec<ActivityLine>,
}

impl IssuePage {
    fn json_href(&self) -> String {
        self.event.as_ref().map(|e| urls::event_json(&self.head.id, &e.id)).unwrap_or_default()
    }

    fn grouping_href(&self) -> String {
        self.event.as_ref().map(|e| urls::event_grouping(&self.head.id, &e.id)).unwrap_or_default()
    }

    fn action_href(&self, verb: &str) -> String {
        urls::issue_action(&self.head.id, verb)
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
            TagShares::new(key, &values.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect::<Vec<_>>(), 2318, distinct)
        };
        let line = |who: &str, what: &str, minutes| ActivityLine { who: who.to_owned(), what: what.to_owned(), at: ago(minutes) };
        Self {
            shell: Shell::sample("PaymentDeclined · SHOP-1842"),
            head,
            event: Some(EventView::new(event, now)),
            missing: Missing::Dropped,
            nav: EventNav {
                position: "Event 2,318 of 2,318".to_owned(),
                first: Some(urls::event(1842, "first")),
                previous: Some(urls::event(1842, "ab")),
                next: None,
                latest: None,
            },
            tags: vec![
                shares("release", &[("1.4.2", 2248), ("1.4.1", 70)], 2),
                shares("browser", &[("Chrome 131", 1205), ("Firefox 140", 720), ("Safari 19", 280), ("Edge 131", 113)], 4),
                shares("server_name", &[("api-2", 1182), ("api-1", 1136)], 2),
                shares("payment.provider", &[("stripe-eu", 2318)], 1),
                shares("country", &[("DE", 788), ("FR", 500), ("AT", 340)], 23),
            ],
            why: "Same stack in app frames: charge_card ← submit ← application. The number in the message does not count.".to_owned(),
            feedback: FeedbackPanel::sample(),
            activity: vec![line("Regressed", "in 1.4.2", 35), line("Mira", "resolved it", 1500), line("First seen", "in 1.4.1", 4400)],
        }
    }
}

impl Page for IssuePage {
    const NAME: &'static str = "issue";

    fn samples() -> Vec<Sample<Self>> {
        let mut resolved = Self::sample(&samples::message());
        resolved.head.actions = actions("resolved");
        resolved.head.badges = vec![Badge::new("resolved by Mira", "good")];
        (resolved.head.kind, resolved.head.message, resolved.head.users) =
            ("Slow checkout".to_owned(), "took 7.2 s, budget 3 s".to_owned(), 0);
        let gone = Self { event: None, nav: EventNav::default(), ..Self::sample(&serde_json::Value::Null) };
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
        hostile.tags = vec![TagShares::new(HOSTILE, &[(h(), 7)], 7, 1)];
        hostile.why = h();
        hostile.feedback = FeedbackPanel::hostile();
        hostile.activity = vec![ActivityLine { who: h(), what: h(), at: When::unknown() }];
        let mut group = Self::sample(&samples::group());
        group.head.badges = vec![Badge::new("new", "new")];
        vec![
            Sample::new("regressed", Self::sample(&samples::python())),
            Sample::new("message-resolved", resolved),
            Sample::new("payload-gone", gone),
            Sample::new("payload-damaged", damaged),
            Sample::new("group-without-app", group),
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
    fn shares_fill_the_bar_and_never_leave_it() {
        let tag = TagShares::new(
            "browser",
            &[("Chrome".to_owned(), 52), ("Firefox".to_owned(), 31), ("Safari".to_owned(), 12), ("Edge".to_owned(), 5)],
            100,
            4,
        );
        assert_eq!((tag.head.as_str(), tag.top.as_str(), tag.top_share.as_str()), ("4 values", "Chrome", "52 %"));
        assert_eq!(tag.pieces.len(), 4);
        for values in [vec![], vec![("x".to_owned(), -5)], vec![("x".to_owned(), i64::MAX / 4), ("y".to_owned(), 0)]] {
            let tag = TagShares::new("k", &values, 3, 1);
            let end = tag.pieces.last().map_or(0.0, |p| p.x.parse::<f64>().unwrap() + p.width.parse::<f64>().unwrap());
            assert!(end <= 100.3, "{values:?} {end}");
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
