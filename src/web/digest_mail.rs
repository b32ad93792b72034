//! The mail for what came within a few minutes of another mail.

use askama::Template;

use super::mail_view::{Bodies, one_line};
use super::number;

/// An issue that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestLine {
    /// "SHOP-41".
    pub short_id: String,
    /// "PaymentDeclined: card processor answered 503".
    pub title: String,
    /// Absolute address of the issue.
    pub url: String,
    /// "new, 12 events, 3 users".
    pub facts: String,
    /// "error".
    pub level: String,
}

/// All that such a mail may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestMail {
    /// "shop-api".
    pub project: String,
    /// "49 new issues, 1 regression".
    pub counts: String,
    /// The release that nearly all share; may be empty.
    pub release: String,
    /// What is said of the project as a whole: "Surge: 812 in 5 min, usually 40 per hour, across 37 issues".
    pub notes: Vec<String>,
    /// Those with most events first.
    pub lines: Vec<DigestLine>,
    /// How many are not named.
    pub more: i64,
    /// Absolute address of the list of issues, the newest first.
    pub url: String,
    /// Absolute address of the project's settings.
    pub settings_url: String,
    /// Absolute address where whoever gets it wants no more of it.
    pub stop_url: String,
    /// Why the recipient gets it.
    pub why: String,
}

/// What the templates print. The names of its fields are those of the frame that all mails have.
struct Printed<'a> {
    mail: &'a DigestMail,
    kind: &'a str,
    message: String,
    url: &'a str,
    settings_url: &'a str,
    stop_url: &'a str,
    why: &'a str,
}

impl Printed<'_> {
    fn lead(&self) -> String {
        format!("One mail for all that happened meanwhile in {}", self.mail.project)
    }
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct DigestHtml<'a> {
    mail: Printed<'a>,
    lines: &'a [DigestLine],
    more: String,
}

#[derive(Template)]
#[template(path = "mail/digest.txt", escape = "none")]
struct DigestText<'a> {
    mail: Printed<'a>,
    lines: &'a [DigestLine],
    more: String,
}

impl DigestMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    /// "[shop-api] 49 new issues in 2.1.0, first PaymentDeclined: card …".
    pub fn subject(&self) -> String {
        let within = if self.release.is_empty() { String::new() } else { format!(" in {}", self.release) };
        let top = self.lines.first().map_or_else(String::new, |line| format!(", most often {}", line.title));
        one_line(&format!("[{}] {}{within}{top}", self.project, self.counts), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        let more = || if self.more > 0 { format!("and {} more", number::count(self.more)) } else { String::new() };
        Ok(Bodies {
            text: DigestText { mail: self.printed(), lines: &self.lines, more: more() }.render()?,
            html: DigestHtml { mail: self.printed(), lines: &self.lines, more: more() }.render()?,
        })
    }

    fn printed(&self) -> Printed<'_> {
        let message = if self.release.is_empty() { String::new() } else { format!("Nearly all of it in release {}.", self.release) };
        Printed {
            mail: self,
            kind: &self.counts,
            message,
            url: &self.url,
            settings_url: &self.settings_url,
            stop_url: &self.stop_url,
            why: &self.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    fn mail(title: &str) -> DigestMail {
        DigestMail {
            project: "shop".to_owned(),
            counts: "49 new issues".to_owned(),
            release: "2.1.0".to_owned(),
            notes: vec!["Surge: 812 in 5 min".to_owned()],
            lines: vec![DigestLine {
                short_id: "SHOP-3".to_owned(),
                title: title.to_owned(),
                url: "https://errors.example/issues/3".to_owned(),
                facts: "new, 12 events, 3 users".to_owned(),
                level: "error".to_owned(),
            }],
            more: 48,
            url: "https://errors.example/issues?project=shop".to_owned(),
            settings_url: "https://errors.example/projects/shop/settings".to_owned(),
            stop_url: "https://errors.example/account/notifications#stop".to_owned(),
            why: "You get this as a member.".to_owned(),
        }
    }

    #[test]
    fn the_mail_counts_names_the_release_and_the_top_ones() {
        let mail = mail("Boom: it broke");
        assert_eq!(mail.subject(), "[shop] 49 new issues in 2.1.0, most often Boom: it broke");
        let bodies = mail.bodies().unwrap();
        for part in [
            "49 new issues",
            "Surge: 812 in 5 min",
            "2.1.0",
            "SHOP-3",
            "Boom: it broke",
            "12 events",
            "and 48 more",
            "issues?project=shop",
            "as a member",
        ] {
            assert!(bodies.text.contains(part) && bodies.html.contains(part), "{part}");
        }
        assert_eq!(DigestMail { release: String::new(), lines: Vec::new(), ..mail }.subject(), "[shop] 49 new issues");
    }

    #[test]
    fn hostile_titles_are_only_text() {
        let mail = DigestMail { project: HOSTILE.to_owned(), ..mail(HOSTILE) };
        let html = mail.bodies().unwrap().html;
        assert!(!html.contains("<script>") && !html.contains("<img"), "{html}");
        assert!(!mail.subject().contains('\n'));
    }
}
