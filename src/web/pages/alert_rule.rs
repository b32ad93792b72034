//! One alert rule: its form, and what it would have done.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{FieldErrors, Link, Page, Sample, Shell, When, page::HOSTILE, page::sample_now, urls};

/// What a condition looks at.
const SUBJECTS: [(&str, &str); 10] = [
    ("fact", "Fact"),
    ("level", "Level"),
    ("environment", "Environment"),
    ("release", "Release"),
    ("tag", "Tag"),
    ("title", "Title"),
    ("message", "Message"),
    ("events", "Times seen"),
    ("users", "Users affected"),
    ("age", "First seen before"),
];
/// How it is compared.
const OPS: [(&str, &str); 4] = [("is", "is"), ("is_not", "is not"), ("least", "at least"), ("less", "less than")];
/// Whom a rule tells.
const WHO: [(&str, &str); 3] = [("everybody", "all members and channels"), ("some", "only those chosen below"), ("nobody", "nobody")];
/// How often of one issue: minutes.
pub const OFTEN: [(u32, &str); 7] = [
    (0, "every time"),
    (5, "at most once in 5 minutes"),
    (30, "at most once in 30 minutes"),
    (60, "at most once an hour"),
    (360, "at most once in 6 hours"),
    (1_440, "at most once a day"),
    (10_080, "at most once a week"),
];

/// A condition, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConditionRow {
    /// What it looks at: `fact`, `level` ….
    pub subject: String,
    /// `is`, `is_not`, `least`, `less`.
    pub op: String,
    /// With what; empty: there is no such condition.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl ConditionRow {
    fn subjects(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        SUBJECTS.iter().map(|(id, label)| (*id, *label, *id == self.subject))
    }

    fn ops(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        OPS.iter().map(|(id, label)| (*id, *label, *id == self.op))
    }
}

/// Conditions that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Its place, from 1.
    pub number: usize,
    /// All must hold; otherwise any.
    pub all: bool,
    /// Its conditions, and empty rows for new ones.
    pub rows: Vec<ConditionRow>,
}

/// Somebody, or a channel, that may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientChoice {
    /// The form's name for it: `person`, `channel`.
    pub field: &'static str,
    /// In the form.
    pub id: String,
    /// E-mail address, "Slack: Alerts".
    pub name: String,
    /// It is.
    pub on: bool,
}

/// A fact that the rule would have decided.
#[derive(Debug, Clone)]
pub struct TrialRow {
    /// "New issue".
    pub what: String,
    /// Which.
    pub issue: Option<Link>,
    /// Its title; may be empty.
    pub title: String,
    /// When it was noted.
    pub at: When,
    /// "ana@example.org, ben@example.org", "nobody".
    pub who: String,
    /// Why others are not told; may be empty.
    pub reason: String,
}

/// What the rule would have done.
#[derive(Debug, Clone)]
pub struct TrialView {
    /// "It would have decided 3 of the last week's 40 facts …".
    pub summary: String,
    /// Those, the newest first.
    pub rows: Vec<TrialRow>,
}

/// All that `templates/alerts/rule.html` may print.
#[derive(Debug, Template)]
#[template(path = "alerts/rule.html")]
pub struct AlertRulePage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// In addresses; `new` for one that is not there yet.
    pub id: String,
    /// The user may change anything here.
    pub may_change: bool,
    /// What people call the rule.
    pub rule_name: String,
    /// It is used.
    pub is_on: bool,
    /// All groups must hold; otherwise any.
    pub all: bool,
    /// Its groups, and an empty one for more.
    pub groups: Vec<GroupRow>,
    /// `everybody`, `some`, `nobody`.
    pub who: String,
    /// Who may be chosen.
    pub recipients: Vec<RecipientChoice>,
    /// At most once in so many minutes.
    pub minutes: u32,
    /// What was wrong outside the conditions: "", `name`, `who`.
    pub errors: FieldErrors,
    /// What it would have done.
    pub trial: Option<TrialView>,
}

impl AlertRulePage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Alerts)
    }

    fn alerts_href(&self) -> String {
        urls::project_alerts(&self.slug)
    }

    fn href(&self) -> String {
        urls::alert_rule(&self.slug, &self.id)
    }

    fn delete_href(&self) -> Option<String> {
        (self.may_change && self.id != "new").then(|| urls::alert_rule_delete(&self.slug, &self.id))
    }

    fn who_choices(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        WHO.iter().map(|(id, label)| (*id, *label, *id == self.who))
    }

    fn often(&self) -> impl Iterator<Item = (u32, &'static str, bool)> + '_ {
        OFTEN.iter().map(|(minutes, label)| (*minutes, *label, *minutes == self.minutes))
    }

    fn is_refused(&self) -> bool {
        !self.errors.is_empty() || self.groups.iter().flat_map(|group| &group.rows).any(|row| row.error.is_some())
    }
}

impl Page for AlertRulePage {
    const NAME: &'static str = "alert-rule";

    fn samples() -> Vec<Sample<Self>> {
        let row = |subject: &str, op: &str, value: &str, error: Option<&str>| ConditionRow {
            subject: subject.to_owned(),
            op: op.to_owned(),
            value: value.to_owned(),
            error: error.map(str::to_owned),
        };
        let blank = || row("fact", "is", "", None);
        let choice = |field, name: &str, on| RecipientChoice { field, id: "7".to_owned(), name: name.to_owned(), on };
        let page = |text: &str, may_change, trial| Self {
            shell: Shell::sample("Alerts"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            id: "7".to_owned(),
            may_change,
            rule_name: text.to_owned(),
            is_on: true,
            all: false,
            groups: vec![
                GroupRow {
                    number: 1,
                    all: true,
                    rows: vec![row("fact", "is", "new issue, spike", None), row("environment", "is", "prod*", None), blank(), blank()],
                },
                GroupRow { number: 2, all: true, rows: vec![row("level", "least", "fatal", None), blank(), blank()] },
                GroupRow { number: 3, all: true, rows: vec![blank(), blank()] },
            ],
            who: "some".to_owned(),
            recipients: vec![
                choice("person", "ana.kovac@example.org", true),
                choice("person", "mira@example.org", false),
                choice("channel", "Slack: #alerts", true),
            ],
            minutes: 60,
            errors: FieldErrors::default(),
            trial,
        };
        let trial_row = |text: &str, reason: &str| TrialRow {
            what: "Spike".to_owned(),
            issue: Some(Link::new("SHOP-41", "/issues/41")),
            title: text.to_owned(),
            at: When::new(sample_now() - chrono::Duration::days(2), sample_now()),
            who: if reason.is_empty() { "ana.kovac@example.org".to_owned() } else { "nobody".to_owned() },
            reason: reason.to_owned(),
        };
        let tried = || TrialView {
            summary: "It would have decided 2 of the last week's 40 facts.".to_owned(),
            rows: vec![
                trial_row("PaymentDeclined: card", "The rule “Production” tells of an issue once in an hour, and last did at 14:02 UTC."),
                trial_row("PaymentDeclined: card", ""),
            ],
        };
        let mut wrong = page("Production", true, None);
        wrong.groups[0].rows[0] = row("fact", "is", "weather", Some("“weather” is none of: new issue, regression, spike."));
        let mut hostile = page(HOSTILE, true, Some(TrialView { summary: HOSTILE.to_owned(), rows: vec![trial_row(HOSTILE, HOSTILE)] }));
        hostile.groups[0].rows[0] = row(HOSTILE, HOSTILE, HOSTILE, Some(HOSTILE));
        hostile.recipients.push(choice("channel", HOSTILE, true));
        (hostile.name, hostile.slug) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        vec![
            Sample::new("admin", page("Production", true, None)),
            Sample::new("member", page("Production", false, None)),
            Sample::new("tested", page("Production", true, Some(tried()))),
            Sample::new("wrong", wrong),
            Sample::new("new", Self { id: "new".to_owned(), who: "everybody".to_owned(), ..page("", true, None) }),
            Sample::new("hostile", hostile),
        ]
    }
}
