//! A project's channels.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{
    Badge, FieldErrors, Link, Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls,
};

/// A channel.
#[derive(Debug, Clone)]
pub struct ChannelRow {
    /// In addresses.
    pub id: String,
    /// "Slack: Alerts".
    pub name: String,
    /// "hooks.slack.com/…Xy9z".
    pub hint: String,
    /// "on", "off", "fails".
    pub state: Badge,
    /// It is told what happens.
    pub is_on: bool,
    /// When it was added.
    pub created: When,
    /// Since when nothing gets through, and what its server answered.
    pub failing: Option<(When, String)>,
}

/// A secret that is shown this once.
#[derive(Debug, Clone)]
pub struct Made {
    /// Which channel's.
    pub label: String,
    /// The secret.
    pub secret: String,
}

/// All that `templates/projects/channels.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/channels.html")]
pub struct ChannelsPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The user may change anything here.
    pub may_change: bool,
    /// The oldest first.
    pub rows: Vec<ChannelRow>,
    /// What a channel may be; what was typed is chosen.
    pub kinds: Vec<Link>,
    /// The name, as typed.
    pub label: String,
    /// What was wrong with the form.
    pub errors: FieldErrors,
    /// The secret of the channel that was just added.
    pub made: Option<Made>,
}

impl ChannelsPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Channels)
    }

    fn add_href(&self) -> String {
        urls::project_channels(&self.slug)
    }

    fn href(&self, row: &ChannelRow, what: &str) -> String {
        urls::channel_do(&self.slug, &row.id, what)
    }
}

impl Page for ChannelsPage {
    const NAME: &'static str = "project-channels";

    fn samples() -> Vec<Sample<Self>> {
        let now = || When::new(sample_now(), sample_now());
        let row = |name: &str, hint: &str, state: (&str, &'static str), failing: Option<&str>| ChannelRow {
            id: "7".to_owned(),
            name: name.to_owned(),
            hint: hint.to_owned(),
            state: Badge::new(state.0, state.1),
            is_on: state.0 != "off",
            created: now(),
            failing: failing.map(|said| (now(), said.to_owned())),
        };
        let page = |may_change, rows| Self {
            shell: Shell::sample("Channels"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            rows,
            kinds: ["Slack", "Mattermost", "Webhook"].into_iter().map(|kind| Link::new(kind, kind.to_lowercase())).collect(),
            label: String::new(),
            errors: FieldErrors::default(),
            made: None,
        };
        let rows = || {
            vec![
                row("Slack: Alerts", "hooks.slack.com/…Xy9z", ("on", "good"), None),
                row("Discord: On call", "discord.com/…81aF", ("fails", "alarm"), Some("404 Not Found: {\"message\": \"Unknown Webhook\"}")),
                row("Webhook: Pager", "pager.example/…", ("off", "calm"), None),
            ]
        };
        let errors = FieldErrors::default().with("url", "A web address, such as https://hooks.example.org/…").with("label", "A name.");
        let made = |label: &str, secret: &str| Some(Made { label: label.to_owned(), secret: secret.to_owned() });
        vec![
            Sample::new("admin", page(true, rows())),
            Sample::new("member", page(false, rows())),
            Sample::new("none", page(true, Vec::new())),
            Sample::new("refused", Self { errors, label: "Alerts".to_owned(), ..page(true, rows()) }),
            Sample::new("made", Self { made: made("Pager", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ..page(true, rows()) }),
            Sample::new(
                "hostile",
                Self {
                    label: HOSTILE.to_owned(),
                    made: made(HOSTILE, HOSTILE),
                    ..page(true, vec![row(HOSTILE, HOSTILE, ("fails", "alarm"), Some(HOSTILE))])
                },
            ),
        ]
    }
}
