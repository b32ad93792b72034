//! What people said: a project's page, and the section of the issue page.

use askama::Template;

use super::files::AttachmentList;
use super::settings_tabs::{Tab, tabs};
use crate::web::{
    Badge, Link, Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls,
};

/// One status to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Leads to its list.
    pub link: Link,
    /// "12", "more than 1,000".
    pub count: String,
}

/// What one person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackRow {
    /// Mails lead to it.
    pub anchor: String,
    /// Where its actions post to.
    pub href: String,
    /// Name, else address, else "Somebody".
    pub who: String,
    /// Any text; may be empty.
    pub email: String,
    /// `mailto:` and the address, for a well-formed one.
    pub mailto: Option<String>,
    /// What they said, with its line breaks.
    pub message: String,
    /// Any text; may be empty.
    pub page: String,
    /// The page as a link, when it is a web address.
    pub href_of_page: Option<String>,
    /// "widget", "error page"; may be empty.
    pub source: String,
    /// May be empty.
    pub release: String,
    /// May be empty.
    pub environment: String,
    /// Received.
    pub at: When,
    /// When it was corrected, if it was.
    pub corrected: Option<When>,
    /// Its state.
    pub status: Badge,
    /// The issue it is about.
    pub issue: Option<Link>,
    /// That issue's title.
    pub issue_title: String,
    /// The event it is about.
    pub event: Option<Link>,
    /// The id of an event that has not come; may be empty.
    pub waits_for: String,
    /// Value and label of its buttons.
    pub actions: Vec<(&'static str, &'static str)>,
    /// Screenshots, and whatever else came with it.
    pub files: AttachmentList,
}

/// All that `templates/feedback/list.html` may print.
#[derive(Debug, Template)]
#[template(path = "feedback/list.html")]
pub struct FeedbackPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project in addresses.
    pub slug: String,
    /// The shown status.
    pub status: &'static str,
    /// All of them.
    pub choices: Vec<Choice>,
    /// The issue whose feedback alone is shown.
    pub issue: Option<Link>,
    /// Whether the project has any feedback at all.
    pub any: bool,
    /// This page, for the way back from an action.
    pub back: String,
    /// The first page, on all others.
    pub newest: Option<String>,
    /// The next page.
    pub older: Option<String>,
    /// Newest first.
    pub rows: Vec<FeedbackRow>,
}

impl FeedbackPage {
    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Feedback)
    }

    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }
}

/// One line of the section on the issue page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelRow {
    /// Name, else address, else "Somebody".
    pub who: String,
    /// What they said, cut.
    pub message: String,
    /// Received.
    pub at: When,
    /// About the shown event.
    pub here: bool,
    /// What came with it.
    pub files: AttachmentList,
}

/// The section of the issue page: not shown without rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackPanel {
    /// "3".
    pub count: String,
    /// The newest.
    pub rows: Vec<PanelRow>,
    /// All of it.
    pub href: String,
}

impl FeedbackPanel {
    /// A made-up section: two people, one of them about the shown event.
    pub fn sample() -> Self {
        let row = |who: &str, message: &str, minutes, files| PanelRow {
            who: who.to_owned(),
            message: message.to_owned(),
            at: ago(minutes),
            here: minutes < 10,
            files,
        };
        Self {
            count: "7".to_owned(),
            rows: vec![
                row(
                    "Ana Kovač",
                    "I pressed Pay twice and then it said that something went wrong.\nWas I charged?",
                    3,
                    AttachmentList::screenshot(),
                ),
                row("ben@example.org", "Cannot check out at all.", 190, AttachmentList::default()),
            ],
            href: urls::project_feedback("shop-api", "", "1842", ""),
        }
    }

    /// The same with text that must come out inert.
    pub fn hostile() -> Self {
        let row = PanelRow {
            who: HOSTILE.to_owned(),
            message: HOSTILE.to_owned(),
            at: When::unknown(),
            here: true,
            files: AttachmentList::hostile(),
        };
        Self { rows: vec![row], ..Self::sample() }
    }
}

fn ago(minutes: i64) -> When {
    When::new(sample_now() - chrono::Duration::minutes(minutes), sample_now())
}

fn sample_row() -> FeedbackRow {
    FeedbackRow {
        anchor: urls::feedback_anchor(7),
        href: urls::feedback_act("shop-api", 7),
        who: "Ana Kovač".to_owned(),
        email: "ana.kovac@example.org".to_owned(),
        mailto: Some("mailto:ana.kovac@example.org".to_owned()),
        message: "I pressed Pay twice and then it said that something went wrong.\n\nWas I charged?".to_owned(),
        page: "https://shop.example/checkout".to_owned(),
        href_of_page: Some("https://shop.example/checkout".to_owned()),
        source: "error page".to_owned(),
        release: "1.4.2".to_owned(),
        environment: "production".to_owned(),
        at: ago(3),
        corrected: Some(ago(1)),
        status: Badge::new("open", "calm"),
        issue: Some(Link::new("SHOP-1842", urls::issue(1842))),
        issue_title: "PaymentDeclined: card processor answered 503".to_owned(),
        event: Some(Link::new("3713259a", urls::event(1842, "3713259a"))),
        waits_for: String::new(),
        actions: vec![("resolve", "Resolve"), ("spam", "Spam")],
        files: AttachmentList::default(),
    }
}

fn waiting_row() -> FeedbackRow {
    FeedbackRow {
        anchor: urls::feedback_anchor(8),
        who: "Somebody".to_owned(),
        email: String::new(),
        mailto: None,
        message: "The map does not load on my phone.".to_owned(),
        source: "widget".to_owned(),
        corrected: None,
        issue: None,
        issue_title: String::new(),
        event: None,
        files: AttachmentList::screenshot(),
        waits_for: "3713259af4694b68a18a39fb55148017".to_owned(),
        at: ago(190),
        ..sample_row()
    }
}

fn hostile_row() -> FeedbackRow {
    let h = || HOSTILE.to_owned();
    FeedbackRow {
        who: h(),
        email: h(),
        mailto: None,
        message: h(),
        page: h(),
        href_of_page: None,
        source: h(),
        release: h(),
        environment: h(),
        issue: Some(Link::new(h(), urls::issue(h()))),
        issue_title: h(),
        waits_for: h(),
        files: AttachmentList::hostile(),
        ..sample_row()
    }
}

impl Page for FeedbackPage {
    const NAME: &'static str = "feedback";

    fn samples() -> Vec<Sample<Self>> {
        let choice = |text: &str, status: &str, count: &str, chosen| Choice {
            link: Link::new(text, urls::project_feedback("shop-api", status, "", "")).chosen_if(chosen),
            count: count.to_owned(),
        };
        let page = |rows: Vec<FeedbackRow>| Self {
            shell: Shell::sample("Feedback"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            status: "open",
            choices: vec![
                choice("Open", "open", "2", true),
                choice("Resolved", "resolved", "31", false),
                choice("Spam", "spam", "0", false),
            ],
            issue: None,
            any: true,
            back: urls::project_feedback("shop-api", "open", "", ""),
            newest: Some(urls::project_feedback("shop-api", "open", "", "")),
            older: Some(urls::project_feedback("shop-api", "open", "", "1.2")),
            rows,
        };
        let of_issue =
            Self { issue: Some(Link::new("SHOP-1842", urls::issue(1842))), newest: None, older: None, ..page(vec![sample_row()]) };
        vec![
            Sample::new("some", page(vec![sample_row(), waiting_row()])),
            Sample::new("of-issue", of_issue),
            Sample::new("none-open", Self { older: None, ..page(Vec::new()) }),
            Sample::new("none", Self { older: None, any: false, ..page(Vec::new()) }),
            Sample::new("hostile", page(vec![hostile_row()])),
        ]
    }
}
