//! The mail about a place that makes a new issue for every event.

use askama::Template;

use super::mail_view::{Bodies, MailFrame, one_line};

/// All that such a mail may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoiseMail {
    /// "shop-api".
    pub project: String,
    /// "PaymentDeclined in shop.charge_card".
    pub place: String,
    /// "23 new issues".
    pub issues: String,
    /// "24 Nov 2026, 14:31:07 UTC".
    pub since: String,
    /// All of them came within an hour.
    pub is_fresh: bool,
    /// "SHOP-41, SHOP-40": the newest.
    pub samples: String,
    /// The fingerprint rule that puts them together; may be empty.
    pub rule: String,
    /// Absolute address of the list of issues, the newest first.
    pub url: String,
    /// Absolute address of the project's grouping rules, where the suggestion stands, too.
    pub settings_url: String,
    /// Absolute address where whoever gets it wants no more of it.
    pub stop_url: String,
    /// Why the recipient gets it.
    pub why: String,
}

/// What the templates print. The names of its fields are those of the frame that all mails have.
struct Printed<'a> {
    mail: &'a NoiseMail,
    kind: String,
    message: &'static str,
    culprit: &'a str,
    url: &'a str,
    settings_url: &'a str,
    stop_url: &'a str,
    short_id: &'static str,
    frames: Vec<MailFrame>,
    why: &'a str,
}

impl Printed<'_> {
    fn lead(&self) -> String {
        format!("One mail for many new issues in {}", self.mail.project)
    }
}

#[derive(Template)]
#[template(path = "mail/noise.html")]
struct NoiseHtml<'a> {
    mail: Printed<'a>,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/noise.txt", escape = "none")]
struct NoiseText<'a> {
    mail: Printed<'a>,
    facts: Vec<(&'static str, &'a str)>,
}

impl NoiseMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    /// "23 new issues within an hour: PaymentDeclined in shop.charge_card".
    pub fn head(&self) -> String {
        format!("{}{}: {}", self.issues, if self.is_fresh { " within an hour" } else { "" }, self.place)
    }

    /// "[shop-api] 23 new issues within an hour: PaymentDeclined in shop.charge_card".
    pub fn subject(&self) -> String {
        one_line(&format!("[{}] {}", self.project, self.head()), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        let facts = || {
            let all = [("Since", &self.since), ("The newest", &self.samples), ("Rule", &self.rule)];
            all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.as_str())).collect()
        };
        Ok(Bodies {
            text: NoiseText { mail: self.printed(), facts: facts() }.render()?,
            html: NoiseHtml { mail: self.printed(), facts: facts() }.render()?,
        })
    }

    fn printed(&self) -> Printed<'_> {
        let message = if self.rule.is_empty() {
            "They come from one place and differ only in what they say or in the way there. While it goes on, new ones are counted and listed, not mailed; a day later you are told again."
        } else {
            "They come from one place and differ only in what they say or in the way there. While it goes on, new ones are counted and listed, not mailed; a day later you are told again. This fingerprint rule puts them into one issue; an administrator adds it with one click in the project's grouping rules."
        };
        Printed {
            mail: self,
            kind: self.head(),
            message,
            culprit: "",
            url: &self.url,
            settings_url: &self.settings_url,
            stop_url: &self.stop_url,
            short_id: "the newest issues",
            frames: Vec::new(),
            why: &self.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    fn mail(place: &str) -> NoiseMail {
        NoiseMail {
            project: "shop".to_owned(),
            place: place.to_owned(),
            issues: "23 new issues".to_owned(),
            since: "24 Nov 2026, 14:31:07 UTC".to_owned(),
            is_fresh: true,
            samples: "SHOP-23, SHOP-22".to_owned(),
            rule: "error.type:\"E\" -> \"E\"".to_owned(),
            url: "https://errors.example/issues?project=shop".to_owned(),
            settings_url: "https://errors.example/projects/shop/settings/grouping".to_owned(),
            stop_url: "https://errors.example/account/notifications#stop".to_owned(),
            why: "You get this as a member.".to_owned(),
        }
    }

    #[test]
    fn the_mail_says_how_many_from_where_and_what_would_help() {
        let mail = mail("E in shop.pay");
        assert_eq!(mail.subject(), "[shop] 23 new issues within an hour: E in shop.pay");
        let bodies = mail.bodies().unwrap();
        for part in ["23 new issues", "E in shop.pay", "SHOP-23", "issues?project=shop", "settings/grouping", "as a member"] {
            assert!(bodies.text.contains(part) && bodies.html.contains(part), "{part}");
        }
        assert!(bodies.text.contains("error.type:\"E\" -> \"E\""));
        let later = NoiseMail { is_fresh: false, rule: String::new(), ..mail };
        assert_eq!(later.subject(), "[shop] 23 new issues: E in shop.pay");
        assert!(!later.bodies().unwrap().text.contains("rule puts them"));
    }

    #[test]
    fn hostile_places_are_inert() {
        let bodies = NoiseMail { rule: HOSTILE.to_owned(), project: HOSTILE.to_owned(), ..mail(HOSTILE) }.bodies().unwrap();
        assert!(!bodies.html.contains("<script") && !bodies.html.contains("<img"));
        assert!(!mail("a\r\nBcc: x").subject().contains(['\r', '\n']));
    }
}
