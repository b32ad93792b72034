//! Mails about a project as a whole, and about Vedette itself.

use askama::Template;

use super::digest_mail::DigestLine;
use super::mail_view::{Bodies, one_line};
use super::number;

/// All that such a mail may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectMail {
    /// "shop-api"; "Vedette" for what is nobody's project.
    pub project: String,
    /// "Surge": begins the subject.
    pub what: String,
    /// "Many issues of shop-api at once".
    pub lead: String,
    /// "812 in 5 min, usually 40 per hour, across 37 issues".
    pub headline: String,
    /// What it means, and what to do.
    pub message: String,
    /// "Since", "24 Nov 2026, 14:31:07 UTC".
    pub facts: Vec<(&'static str, String)>,
    /// Issues that are named.
    pub lines: Vec<DigestLine>,
    /// How many are not.
    pub more: i64,
    /// What the link opens: "the issues".
    pub open: String,
    /// Absolute.
    pub url: String,
    /// Absolute address of the project's settings; empty for what is no project's.
    pub settings_url: String,
    /// Absolute address where whoever gets it wants no more of it; empty: it cannot be stopped.
    pub stop_url: String,
    /// Why the recipient gets it.
    pub why: String,
}

#[derive(Template)]
#[template(path = "mail/project.html")]
struct Html<'a> {
    mail: &'a ProjectMail,
    facts: &'a [(&'static str, String)],
    lines: &'a [DigestLine],
    more: String,
}

#[derive(Template)]
#[template(path = "mail/project.txt", escape = "none")]
struct Text<'a> {
    mail: &'a ProjectMail,
    more: String,
}

impl ProjectMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    /// "[shop-api] Surge: 812 in 5 min, usually 40 per hour, across 37 issues".
    pub fn subject(&self) -> String {
        one_line(&format!("[{}] {}: {}", self.project, self.what, self.headline), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        let more = || if self.more > 0 { format!("and {} more", number::count(self.more)) } else { String::new() };
        Ok(Bodies {
            text: Text { mail: self, more: more() }.render()?,
            html: Html { mail: self, facts: &self.facts, lines: &self.lines, more: more() }.render()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    fn mail(title: &str) -> ProjectMail {
        ProjectMail {
            project: "shop".to_owned(),
            what: "Surge".to_owned(),
            lead: "Many issues of shop at once".to_owned(),
            headline: "812 in 5 min, usually 40 per hour, across 37 issues".to_owned(),
            message: "All of it.".to_owned(),
            facts: vec![("Since", "24 Nov 2026, 14:31:07 UTC".to_owned())],
            lines: vec![DigestLine {
                short_id: "SHOP-3".to_owned(),
                title: title.to_owned(),
                url: "https://errors.example/issues/3".to_owned(),
                facts: "120 events in 5 minutes".to_owned(),
                level: "error".to_owned(),
            }],
            more: 36,
            open: "the issues".to_owned(),
            url: "https://errors.example/issues?project=shop".to_owned(),
            settings_url: "https://errors.example/projects/shop/settings".to_owned(),
            stop_url: "https://errors.example/account/notifications#stop".to_owned(),
            why: "You get this as a member.".to_owned(),
        }
    }

    #[test]
    fn the_mail_says_what_since_when_and_of_which_issues() {
        let mail = mail("Boom: it broke");
        assert_eq!(mail.subject(), "[shop] Surge: 812 in 5 min, usually 40 per hour, across 37 issues");
        let bodies = mail.bodies().unwrap();
        for part in
            ["Many issues", "812 in 5 min", "14:31:07", "SHOP-3", "Boom: it broke", "120 events", "and 36 more", "as a member", "#stop"]
        {
            assert!(bodies.text.contains(part) && bodies.html.contains(part), "{part}");
        }
        let bare =
            ProjectMail { settings_url: String::new(), stop_url: String::new(), lines: Vec::new(), more: 0, ..mail }.bodies().unwrap();
        assert!(!bare.text.contains("settings") && !bare.html.contains("settings") && !bare.text.contains("more mails"), "{}", bare.text);
    }

    #[test]
    fn hostile_titles_are_only_text() {
        let mail = ProjectMail { project: HOSTILE.to_owned(), ..mail(HOSTILE) };
        let html = mail.bodies().unwrap().html;
        assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
        assert!(!mail.subject().contains('\n'));
    }
}
