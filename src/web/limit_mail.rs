//! The mails that a limit was reached, and that it has ended.

use askama::Template;

use super::mail_view::{Bodies, MailFrame, one_line};

/// All that such a mail may say. The names of its fields are those of the frame that all mails have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitMail {
    /// "shop-api".
    pub project: String,
    /// "The project's limit on events per minute".
    pub limit: String,
    /// "100".
    pub max: String,
    /// The name of the key, or its beginning; empty for a project's limit.
    pub key: String,
    /// "24 Nov 2026, 14:31:07 UTC".
    pub since: String,
    /// When it took again; empty while it drops.
    pub until: String,
    /// "1,234": what it dropped, once it has ended.
    pub dropped: String,
    /// It ended because somebody changed it.
    pub is_changed: bool,
    /// Absolute address of the limits.
    pub url: String,
    /// Absolute address of the project's settings.
    pub settings_url: String,
    /// Absolute address where whoever gets it wants no more of it.
    pub stop_url: String,
}

/// What the templates print.
struct Printed<'a> {
    mail: &'a LimitMail,
    project: &'a str,
    kind: String,
    message: String,
    culprit: &'a str,
    url: &'a str,
    settings_url: &'a str,
    stop_url: &'a str,
    short_id: &'static str,
    frames: Vec<MailFrame>,
    why: String,
}

impl Printed<'_> {
    fn lead(&self) -> String {
        let what = if self.mail.has_ended() { "A limit has ended" } else { "A limit was reached" };
        format!("{what} in {}", self.project)
    }
}

#[derive(Template)]
#[template(path = "mail/limit.html")]
struct LimitHtml<'a> {
    mail: Printed<'a>,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/limit.txt", escape = "none")]
struct LimitText<'a> {
    mail: Printed<'a>,
    facts: Vec<(&'static str, &'a str)>,
}

impl LimitMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    const fn has_ended(&self) -> bool {
        !self.until.is_empty()
    }

    /// "[shop-api] Limit reached: events per minute are dropped".
    pub fn subject(&self) -> String {
        let what = if self.has_ended() { "Limit ended" } else { "Limit reached" };
        one_line(&format!("[{}] {what}: {}", self.project, self.limit), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        let facts = || {
            let all = [
                ("Project", &self.project),
                ("Key", &self.key),
                ("Limit", &self.max),
                ("Since", &self.since),
                ("Until", &self.until),
                ("Dropped", &self.dropped),
            ];
            all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.as_str())).collect()
        };
        Ok(Bodies {
            text: LimitText { mail: self.printed(), facts: facts() }.render()?,
            html: LimitHtml { mail: self.printed(), facts: facts() }.render()?,
        })
    }

    fn printed(&self) -> Printed<'_> {
        let message = match (self.has_ended(), self.is_changed) {
            (false, _) => "What comes on top is refused and only counted. SDKs are told to wait, and report what they drop.",
            (true, false) => "Everything is taken again.",
            (true, true) => "The limit was changed, and what it stopped is taken again.",
        };
        let reached = if self.has_ended() { "no longer drops anything" } else { "was reached" };
        Printed {
            mail: self,
            project: &self.project,
            kind: format!("{} {reached}", self.limit),
            message: message.to_owned(),
            culprit: "",
            url: &self.url,
            settings_url: &self.settings_url,
            stop_url: &self.stop_url,
            short_id: "the limits",
            frames: Vec::new(),
            why: format!("You get this because you look after {} on Vedette.", self.project),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    fn mail(project: &str) -> LimitMail {
        LimitMail {
            project: project.to_owned(),
            limit: "The project's limit on events per minute".to_owned(),
            max: "100".to_owned(),
            since: "24 Nov 2026, 14:31:07 UTC".to_owned(),
            url: "https://errors.example/projects/shop/settings/limits".to_owned(),
            settings_url: "https://errors.example/projects/shop/settings".to_owned(),
            stop_url: "https://errors.example/account/notifications#stop".to_owned(),
            ..LimitMail::default()
        }
    }

    #[test]
    fn the_mails_say_which_limit_since_when_and_what_it_dropped() {
        let reached = mail("shop");
        assert_eq!(reached.subject(), "[shop] Limit reached: The project's limit on events per minute");
        let ended = LimitMail { until: "24 Nov 2026, 15:00:00 UTC".to_owned(), dropped: "1,234".to_owned(), ..mail("shop") };
        assert_eq!(ended.subject(), "[shop] Limit ended: The project's limit on events per minute");
        let bodies = ended.bodies().unwrap();
        for part in ["no longer drops anything", "24 Nov 2026, 15:00:00 UTC", "1,234", "settings/limits"] {
            assert!(bodies.text.contains(part) && bodies.html.contains(part), "{part}");
        }
        assert!(!reached.bodies().unwrap().text.contains("Until"));
    }

    #[test]
    fn hostile_names_are_inert() {
        let bodies = LimitMail { key: HOSTILE.to_owned(), ..mail(HOSTILE) }.bodies().unwrap();
        assert!(!bodies.html.contains("<script") && !bodies.html.contains("<img"));
        assert!(!mail("a\r\nBcc: x").subject().contains(['\r', '\n']));
    }
}
