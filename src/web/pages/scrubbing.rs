//! A project's data scrubbing: switches, fields, own rules.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{FieldErrors, Link, Page, Sample, Shell, page::HOSTILE, urls};

/// What a rule may do: the word that is stored, and what people read.
const ACTIONS: [(&str, &str); 4] = [("mask", "mask with *"), ("remove", "remove"), ("hash", "hash"), ("replace", "replace")];
/// What a rule may look for by name.
pub(crate) const PATTERNS: [(&str, &str); 8] = [
    ("@email", "e-mail addresses"),
    ("@ip", "IP addresses"),
    ("@creditcard", "card numbers"),
    ("@iban", "bank accounts"),
    ("@usssn", "US social security numbers"),
    ("@bearer", "bearer tokens"),
    ("@pemkey", "private keys"),
    ("@urlauth", "passwords in URLs"),
];

/// A rule, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleRow {
    /// Its place, from 1.
    pub number: usize,
    /// What people call it.
    pub name: String,
    /// Where it looks.
    pub path: String,
    /// What it looks for; empty: the whole value.
    pub pattern: String,
    /// What it does.
    pub action: String,
    /// What `replace` puts there.
    pub text: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl RuleRow {
    fn actions(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        ACTIONS.iter().map(|(id, label)| (*id, *label, *id == self.action))
    }
}

/// All that `templates/projects/scrubbing.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/scrubbing.html")]
#[expect(clippy::struct_excessive_bools, reason = "one per switch, as people see them")]
pub struct ScrubbingPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The user may change anything here.
    pub may_change: bool,
    /// Whether anything is scrubbed but addresses and own rules.
    pub scrub_data: bool,
    /// Whether the default rules are used.
    pub scrub_defaults: bool,
    /// Whether addresses are taken out.
    pub scrub_ip_addresses: bool,
    /// Further secret fields, one a line.
    pub sensitive_fields: String,
    /// Fields that are left alone, one a line.
    pub safe_fields: String,
    /// The rules, and empty rows for new ones.
    pub rules: Vec<RuleRow>,
    /// What was wrong outside the rules: "", `sensitive`, `safe`.
    pub errors: FieldErrors,
}

impl ScrubbingPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Scrubbing)
    }

    fn wrong(&self) -> usize {
        self.rules.iter().filter(|rule| rule.error.is_some()).count()
    }
}

impl Page for ScrubbingPage {
    const NAME: &'static str = "project-scrubbing";

    fn samples() -> Vec<Sample<Self>> {
        let text = str::to_owned;
        let rule = |number, name: &str, path: &str, pattern: &str, action: &str, error: Option<&str>| RuleRow {
            number,
            name: text(name),
            path: text(path),
            pattern: text(pattern),
            action: text(action),
            text: String::new(),
            error: error.map(text),
        };
        let page = |may_change, rules| Self {
            shell: Shell::sample("Data scrubbing"),
            name: text("shop-api"),
            slug: text("shop-api"),
            may_change,
            scrub_data: true,
            scrub_defaults: true,
            scrub_ip_addresses: false,
            sensitive_fields: text("iban\ncustomer_no"),
            safe_fields: text("extra.author"),
            rules,
            errors: FieldErrors::default(),
        };
        let cards = || rule(1, "customer numbers", "extra.**", r"K-(\d+)", "mask", None);
        let blank = |number| RuleRow { number, action: text("mask"), ..RuleRow::default() };
        vec![
            Sample::new("admin", page(true, vec![cards(), rule(2, "", "user.email", "", "hash", None), blank(3), blank(4)])),
            Sample::new("member", page(false, vec![cards()])),
            Sample::new(
                "refused",
                page(true, vec![cards(), rule(2, "", "$nothing", "(", "remove", Some("path: `$nothing` is no known kind of value"))]),
            ),
            Sample::new(
                "hostile",
                Self {
                    sensitive_fields: text(HOSTILE),
                    safe_fields: format!("</textarea>{HOSTILE}"),
                    errors: FieldErrors::default().with("sensitive", HOSTILE),
                    ..page(true, vec![rule(1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, Some(HOSTILE))])
                },
            ),
        ]
    }
}
