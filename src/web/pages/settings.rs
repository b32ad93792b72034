//! A project's settings: name, members, keys.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{
    FieldErrors, Link, Page, Sample, Shell, When, number,
    page::{HOSTILE, sample_now},
    urls,
};

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// In addresses.
    pub id: String,
    /// E-mail address.
    pub email: String,
    /// The one who looks at the page.
    pub is_self: bool,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// In addresses.
    pub id: String,
    /// The whole DSN.
    pub dsn: String,
    /// Events with it are taken.
    pub active: bool,
    /// When it was made.
    pub created: When,
    /// What people call it; may be empty.
    pub label: String,
    /// How many limits of its own it has.
    pub limits: usize,
    /// How many domains may send with it; none is all.
    pub domains: usize,
}

/// Where frames lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFields {
    /// The template; empty: nowhere.
    pub template: String,
    /// The beginning of paths that the repository does not have.
    pub cut: String,
}

/// All that `templates/projects/settings.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/settings.html")]
pub struct SettingsPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// Who gets its mails.
    pub members: Vec<MemberRow>,
    /// Its keys.
    pub keys: Vec<KeyRow>,
    /// Where frames lead.
    pub source: SourceFields,
    /// The user may change anything here.
    pub may_change: bool,
    /// What was wrong.
    pub errors: FieldErrors,
}

impl KeyRow {
    /// "2 limits, 3 allowed domains".
    fn rules(&self) -> String {
        let some = |n: usize, noun: &str| (n > 0).then(|| number::counted(n as i64, noun));
        [some(self.limits, "limit"), some(self.domains, "allowed domain")].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl SettingsPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::General)
    }

    fn add_href(&self) -> String {
        urls::member_add(&self.slug)
    }

    fn source_href(&self) -> String {
        urls::project_source(&self.slug)
    }

    fn alerts_href(&self) -> String {
        urls::project_alerts(&self.slug)
    }

    fn remove_href(&self, member: &MemberRow) -> String {
        urls::member_remove(&self.slug, &member.id)
    }

    fn key_new_href(&self) -> String {
        urls::key_new(&self.slug)
    }

    fn key_href(&self, key: &KeyRow) -> String {
        urls::key(&self.slug, &key.id)
    }

    fn switch_href(&self, key: &KeyRow) -> String {
        urls::key_switch(&self.slug, &key.id)
    }
}

impl Page for SettingsPage {
    const NAME: &'static str = "project-settings";

    fn samples() -> Vec<Sample<Self>> {
        let now = sample_now();
        let key = |dsn: &str, active| KeyRow {
            id: "1".to_owned(),
            dsn: dsn.to_owned(),
            active,
            created: When::new(now - chrono::Duration::days(41), now),
            label: if active { dsn.chars().skip(8).take(4).collect() } else { String::new() },
            limits: usize::from(active),
            domains: usize::from(active) * 3,
        };
        let member = |email: &str, is_self| MemberRow { id: "7".to_owned(), email: email.to_owned(), is_self };
        let page = |members, keys, may_change, errors| Self {
            shell: Shell::sample("Settings"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            members,
            keys,
            source: SourceFields {
                template: "https://git.example/shop/blob/{release}/{path}#L{line}".to_owned(),
                cut: "/srv/shop/".to_owned(),
            },
            may_change,
            errors,
        };
        let usual = || vec![member("ana.kovac@example.org", true), member("mira@example.org", false)];
        let keys = || {
            vec![
                key("https://5f21c09ab3e74d1f8a7b6c5d4e3f2a1b@errors.example/1", true),
                key("https://00aa11bb22cc33dd44ee55ff66aa77bb@errors.example/1", false),
            ]
        };
        vec![
            Sample::new("admin", page(usual(), keys(), true, FieldErrors::default())),
            Sample::new("member", page(usual(), keys(), false, FieldErrors::default())),
            Sample::new(
                "hostile",
                page(
                    vec![member(HOSTILE, false)],
                    vec![key(HOSTILE, true)],
                    true,
                    FieldErrors::default().with("email", HOSTILE).with("template", HOSTILE),
                ),
            ),
        ]
    }
}
