//! Who is told of what in a project: mute, rules, and what is told where no rule matches.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{Link, Page, Sample, Shell, page::HOSTILE, urls};

/// For how long a project is muted: the form's value, and what people read.
pub(crate) const MUTES: [(&str, &str); 5] =
    [("60", "for 1 hour"), ("240", "for 4 hours"), ("1440", "for 1 day"), ("10080", "for 1 week"), ("ever", "until somebody ends it")];

/// A rule in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLine {
    /// In addresses.
    pub id: String,
    /// Its place, from 1.
    pub number: usize,
    /// As people call it.
    pub name: String,
    /// "When fact is spike: all members and channels, at most once an hour."
    pub words: String,
    /// It is used.
    pub is_on: bool,
    /// It stands last.
    pub is_last: bool,
}

/// A kind of fact that can be switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactSwitch {
    /// The form's name for it.
    pub id: &'static str,
    /// "New issues".
    pub title: &'static str,
    /// When it is told.
    pub hint: &'static str,
    /// It is told.
    pub on: bool,
}

/// All that `templates/alerts/list.html` may print.
#[derive(Debug, Template)]
#[template(path = "alerts/list.html")]
pub struct AlertsPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The user may change rules and settings; anybody here may mute.
    pub may_change: bool,
    /// "Muted since …: 12 facts, of which nobody was told."; nothing while it is not.
    pub muted: Option<String>,
    /// From the top.
    pub rules: Vec<RuleLine>,
    /// What is told where no rule matches.
    pub facts: Vec<FactSwitch>,
}

impl AlertsPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Alerts)
    }

    fn mute_href(&self) -> String {
        urls::project_mute(&self.slug)
    }

    fn unmute_href(&self) -> String {
        urls::project_unmute(&self.slug)
    }

    fn new_href(&self) -> String {
        urls::alert_rule(&self.slug, "new")
    }

    fn rule_href(&self, rule: &RuleLine) -> String {
        urls::alert_rule(&self.slug, &rule.id)
    }

    fn move_href(&self, rule: &RuleLine) -> String {
        urls::alert_rule_move(&self.slug, &rule.id)
    }

    fn switch_href(&self, rule: &RuleLine) -> String {
        urls::alert_rule_switch(&self.slug, &rule.id)
    }

    fn mails_href(&self) -> String {
        urls::project_mails(&self.slug)
    }
}

impl Page for AlertsPage {
    const NAME: &'static str = "alerts";

    fn samples() -> Vec<Sample<Self>> {
        let rule = |number: usize, name: &str, words: &str, is_on, is_last| RuleLine {
            id: number.to_string(),
            number,
            name: name.to_owned(),
            words: words.to_owned(),
            is_on,
            is_last,
        };
        let switch = |id, title, on| FactSwitch { id, title, hint: "An issue that was never seen before.", on };
        let page = |rules, muted: Option<&str>, may_change| Self {
            shell: Shell::sample("Alerts"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            muted: muted.map(str::to_owned),
            rules,
            facts: vec![switch("new_issues", "New issues", true), switch("feedback", "Feedback", false)],
        };
        let rules = || {
            vec![
                rule(1, "Staging is quiet", "When environment is staging, dev*: nobody.", true, false),
                rule(2, "Payments", "When title is Payment* and users is at least 5: mira@example.org, at most once an hour.", false, true),
            ]
        };
        let muted = "Muted by ana@example.org since 24 Nov 2026, 14:02 UTC, until 24 Nov 2026, 15:02 UTC: 12 facts so far.";
        vec![
            Sample::new("none", page(Vec::new(), None, true)),
            Sample::new("rules", page(rules(), Some(muted), true)),
            Sample::new("member", page(rules(), None, false)),
            Sample::new(
                "hostile",
                Self {
                    name: HOSTILE.to_owned(),
                    slug: HOSTILE.to_owned(),
                    ..page(vec![rule(1, HOSTILE, HOSTILE, true, true)], Some(HOSTILE), true)
                },
            ),
        ]
    }
}
