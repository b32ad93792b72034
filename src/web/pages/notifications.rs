//! What one person wants to hear of.

use askama::Template;

use crate::web::{FieldErrors, Link, Page, Sample, Shell, page::HOSTILE, urls};

/// A project's row.
#[derive(Debug, Clone)]
pub struct ProjectChoices {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// As forms say it, in words, and whether it is wanted.
    pub choices: Vec<(&'static str, &'static str, bool)>,
}

/// All that `templates/accounts/notifications.html` may print.
#[derive(Debug, Template)]
#[template(path = "accounts/notifications.html")]
pub struct NotificationsPage {
    /// Around it.
    pub shell: Shell,
    /// Where mails go.
    pub email: String,
    /// `instant`, `hourly`, `daily`.
    pub pace: &'static str,
    /// Of the daily mail: "9".
    pub digest_hour: String,
    /// "22:00"; may be empty.
    pub quiet_from: String,
    /// "07:00"; may be empty.
    pub quiet_until: String,
    /// "Europe/Berlin".
    pub time_zone: String,
    /// A summary of each week is wanted.
    pub weekly: bool,
    /// All there are.
    pub zones: Vec<&'static str>,
    /// By name.
    pub projects: Vec<ProjectChoices>,
    /// Issues that are muted: name, title, and where it is taken back.
    pub muted: Vec<(Link, String, String)>,
    /// What was wrong.
    pub errors: FieldErrors,
}

impl NotificationsPage {
    fn paces() -> [(&'static str, &'static str); 3] {
        [
            ("instant", "at once; what follows within minutes comes in one mail more"),
            ("hourly", "in one mail an hour for each project"),
            ("daily", "in one mail a day for each project"),
        ]
    }

    fn hours() -> impl Iterator<Item = (String, String)> {
        (0..24).map(|hour| (hour.to_string(), format!("{hour:02}:00")))
    }
}

impl Page for NotificationsPage {
    const NAME: &'static str = "notifications";

    fn samples() -> Vec<Sample<Self>> {
        let choices = |is_on| vec![("new_issue", "New issues", true), ("regression", "Regressions", is_on), ("spike", "Spikes", true)];
        let row = |id: &str, name: &str, is_on| ProjectChoices { id: id.to_owned(), name: name.to_owned(), choices: choices(is_on) };
        let page = || Self {
            shell: Shell::sample("Notifications"),
            email: "mira@example.com".to_owned(),
            pace: "instant",
            digest_hour: "9".to_owned(),
            quiet_from: "22:00".to_owned(),
            quiet_until: "07:00".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            weekly: true,
            zones: vec!["Europe/Berlin", "UTC"],
            projects: vec![row("1", "shop-api", true), row("2", "shop-web", false)],
            muted: vec![(Link::new("SHOP-41", "/issues/41"), "ValueError: it broke".to_owned(), urls::issue_action(41, "unmute"))],
            errors: FieldErrors::default(),
        };
        let wrong = Self { errors: FieldErrors::default().with("time_zone", "No such time zone is known."), ..page() };
        let h = || HOSTILE.to_owned();
        let hostile = Self {
            email: h(),
            digest_hour: h(),
            quiet_from: h(),
            quiet_until: h(),
            time_zone: h(),
            projects: vec![row(HOSTILE, HOSTILE, true)],
            muted: vec![(Link::new(HOSTILE, "/issues/41"), h(), h())],
            errors: FieldErrors::default().with("quiet", HOSTILE),
            ..page()
        };
        let none = Self { weekly: false, projects: Vec::new(), muted: Vec::new(), ..page() };
        vec![Sample::new("usual", page()), Sample::new("wrong", wrong), Sample::new("none", none), Sample::new("hostile", hostile)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        crate::web::page::assert_inert::<NotificationsPage>();
    }
}
