//! The mail to administrators that nothing gets through to a channel.

use askama::Template;

use super::mail_view::{Bodies, MailFrame, one_line};

/// All that such a mail may say. The names of its fields are those of the frame that all mails have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelMail {
    /// "shop-api".
    pub project: String,
    /// "Slack: Alerts".
    pub channel: String,
    /// "hooks.slack.com/…Xy9z".
    pub place: String,
    /// What its server answered: "404 Not Found: no_service".
    pub said: String,
    /// "24 Nov 2026, 14:31:07 UTC".
    pub since: String,
    /// Absolute address of the project's channels.
    pub url: String,
    /// Absolute address of the project's settings.
    pub settings_url: String,
}

/// What the templates print.
struct Printed<'a> {
    mail: &'a ChannelMail,
    kind: String,
    message: &'static str,
    culprit: &'static str,
    url: &'a str,
    settings_url: &'a str,
    /// None: administrators cannot be told otherwise.
    stop_url: &'static str,
    short_id: &'static str,
    frames: Vec<MailFrame>,
    why: &'static str,
}

impl Printed<'_> {
    fn lead(&self) -> String {
        format!("A channel of {} fails", self.mail.project)
    }
}

#[derive(Template)]
#[template(path = "mail/channel.html")]
struct ChannelHtml<'a> {
    mail: Printed<'a>,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/channel.txt", escape = "none")]
struct ChannelText<'a> {
    mail: Printed<'a>,
    facts: Vec<(&'static str, &'a str)>,
}

impl ChannelMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    /// "[shop-api] Nothing gets through to Slack: Alerts".
    pub fn subject(&self) -> String {
        one_line(&format!("[{}] Nothing gets through to {}", self.project, self.channel), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        let facts = || vec![("Answer", self.said.as_str()), ("Address", &self.place), ("Since", &self.since)];
        Ok(Bodies {
            text: ChannelText { mail: self.printed(), facts: facts() }.render()?,
            html: ChannelHtml { mail: self.printed(), facts: facts() }.render()?,
        })
    }

    fn printed(&self) -> Printed<'_> {
        Printed {
            mail: self,
            kind: format!("Nothing gets through to {}", self.channel),
            message: "What happens is still tried there, and the next that gets through ends this. Until then there is no further mail about it.",
            culprit: "",
            url: &self.url,
            settings_url: &self.settings_url,
            stop_url: "",
            short_id: "the channels",
            frames: Vec::new(),
            why: "You get this as an administrator of Vedette.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    #[test]
    fn the_mail_says_which_channel_and_what_its_server_answered() {
        let mail = ChannelMail {
            project: "shop".to_owned(),
            channel: "Slack: Alerts".to_owned(),
            place: "hooks.slack.com/…Xy9z".to_owned(),
            said: "404 Not Found: no_service".to_owned(),
            ..ChannelMail::default()
        };
        assert_eq!(mail.subject(), "[shop] Nothing gets through to Slack: Alerts");
        let bodies = mail.bodies().unwrap();
        for part in ["Slack: Alerts", "404 Not Found: no_service", "hooks.slack.com/…Xy9z"] {
            assert!(bodies.text.contains(part) && bodies.html.contains(part), "{part}");
        }
        let hostile = ChannelMail { said: HOSTILE.to_owned(), channel: format!("{HOSTILE}\r\nBcc: x"), ..mail };
        assert!(!hostile.bodies().unwrap().html.contains("<script") && !hostile.subject().contains('\n'));
    }
}
