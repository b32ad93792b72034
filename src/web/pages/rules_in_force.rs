//! Every grouping rule that a project's events meet, line by line: what explanations link to.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::grouping::{Origin, RuleText, rule_anchor};
use crate::web::{Link, Page, Sample, Shell, page::HOSTILE, urls};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLine {
    /// Its line in its text, from 1.
    pub line: u32,
    /// The name of its line on the page.
    pub anchor: String,
    /// As written.
    pub text: String,
}

/// The rules of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleList {
    /// "Stack trace rules of this project".
    pub title: &'static str,
    /// Which of them wins.
    pub about: &'static str,
    /// In their order.
    pub rules: Vec<RuleLine>,
}

impl RuleList {
    /// The rules of a text, by their lines.
    pub fn new(origin: Origin, text: RuleText, lines: impl IntoIterator<Item = (u32, String)>) -> Self {
        let (title, about) = match (text, origin) {
            (RuleText::StackTrace, Origin::Project) => {
                ("Stack trace rules of this project", "a later rule wins, and all of these over the built-in ones")
            }
            (RuleText::Fingerprint, Origin::Project) => {
                ("Fingerprint rules of this project", "the first that matches wins, before the built-in ones")
            }
            (RuleText::StackTrace, Origin::BuiltIn) => ("Built-in stack trace rules", "a later rule wins"),
            (RuleText::Fingerprint, Origin::BuiltIn) => {
                ("Built-in fingerprint rules", "the first that matches wins, after the project’s own")
            }
        };
        let rule = |(line, written): (u32, String)| RuleLine { line, anchor: rule_anchor(origin, text, line), text: written };
        Self { title, about, rules: lines.into_iter().map(rule).collect() }
    }
}

/// All that `templates/projects/rules_in_force.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/rules_in_force.html")]
pub struct RulesInForcePage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The version that the built-in rules are of.
    pub version: &'static str,
    /// The project's own first.
    pub lists: Vec<RuleList>,
}

impl RulesInForcePage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Grouping)
    }
}

impl Page for RulesInForcePage {
    const NAME: &'static str = "project-rules-in-force";

    fn samples() -> Vec<Sample<Self>> {
        let list =
            |origin, text, rules: &[(u32, &str)]| RuleList::new(origin, text, rules.iter().map(|(line, rule)| (*line, (*rule).to_owned())));
        let page = |own: &str| Self {
            shell: Shell::sample("Rules in force"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            version: "newstyle:2026-01-20",
            lists: vec![
                list(Origin::Project, RuleText::StackTrace, &[(2, own)]),
                list(Origin::Project, RuleText::Fingerprint, &[]),
                list(
                    Origin::BuiltIn,
                    RuleText::StackTrace,
                    &[(9, "family:native package:Foundation category=system"), (40, "path:**/node_modules/** -app")],
                ),
                list(Origin::BuiltIn, RuleText::Fingerprint, &[(2, "family:javascript type:\"ChunkLoadError\" -> chunkloaderror")]),
            ],
        };
        vec![Sample::new("usual", page("stack.module:shop.* +app")), Sample::new("hostile", page(HOSTILE))]
    }
}
