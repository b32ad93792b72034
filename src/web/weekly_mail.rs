//! The mail about a person's week.

use askama::Template;

use super::digest_mail::DigestLine;
use super::mail_view::{Bodies, one_line};

/// What it says of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeeklyProject {
    /// "shop-api".
    pub name: String,
    /// Absolute address of its issues.
    pub url: String,
    /// "3 new issues, 1,204 events, 40 % fewer than the week before".
    pub facts: String,
    /// Its most frequent issues.
    pub lines: Vec<DigestLine>,
}

/// All that such a mail may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeeklyMail {
    /// "16 to 22 Nov 2026".
    pub week: String,
    /// "1,204 events, 40 % fewer than the week before".
    pub headline: String,
    /// Those with most events first.
    pub projects: Vec<WeeklyProject>,
    /// "and 3 projects with fewer events"; may be empty.
    pub more: String,
    /// Names of projects in which nothing happened; may be empty.
    pub quiet: String,
    /// Absolute address of the issues of all projects.
    pub url: String,
    /// Absolute address where whoever gets it wants no more of it.
    pub stop_url: String,
}

/// What the templates print. The names of its fields are those of the frame that all mails have.
struct Printed<'a> {
    week: &'a str,
    kind: String,
    more: &'a str,
    quiet: &'a str,
    url: &'a str,
    settings_url: &'static str,
    stop_url: &'a str,
    why: &'static str,
}

#[derive(Template)]
#[template(path = "mail/weekly.html")]
struct Html<'a> {
    mail: Printed<'a>,
    projects: &'a [WeeklyProject],
}

#[derive(Template)]
#[template(path = "mail/weekly.txt", escape = "none")]
struct Text<'a> {
    mail: Printed<'a>,
    projects: &'a [WeeklyProject],
}

impl WeeklyMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    /// "Your week, 16 to 22 Nov 2026: 1,204 events, 40 % fewer than the week before".
    pub fn subject(&self) -> String {
        one_line(&format!("Your week, {}: {}", self.week, self.headline), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        Ok(Bodies {
            text: Text { mail: self.printed(), projects: &self.projects }.render()?,
            html: Html { mail: self.printed(), projects: &self.projects }.render()?,
        })
    }

    fn printed(&self) -> Printed<'_> {
        Printed {
            week: &self.week,
            kind: self.headline.chars().take(1).flat_map(char::to_uppercase).chain(self.headline.chars().skip(1)).collect(),
            more: &self.more,
            quiet: &self.quiet,
            url: &self.url,
            settings_url: "",
            stop_url: &self.stop_url,
            why: "You get this because you asked for it among your notifications on Vedette.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    #[test]
    fn hostile_names_are_only_text() {
        let h = || HOSTILE.to_owned();
        let line = DigestLine { title: h(), short_id: h(), facts: h(), ..DigestLine::default() };
        let project = WeeklyProject { name: h(), url: String::new(), facts: h(), lines: vec![line] };
        let mail = WeeklyMail { week: h(), headline: h(), projects: vec![project], more: h(), quiet: h(), ..WeeklyMail::default() };
        let html = mail.bodies().unwrap().html;
        assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
        assert!(!mail.subject().contains('\n'));
    }
}
