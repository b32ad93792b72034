//! The mail that people wrote: one message, or several that came within a short time.
//!
//! All of it is what strangers typed. It is escaped in HTML, quoted line by line in text, and nothing of it stands in a header but, in one
//! line, in the subject. There is no `Reply-To`: anybody can claim any address, and an answer by habit would go, with what it quotes, to
//! whomever a stranger named. The address is in the body, as a link where it is well-formed.

use askama::Template;

use super::Link;
use super::mail_view::{Bodies, one_line};
use super::number;

/// Characters of a message that comes with others.
const EXCERPT: usize = 400;
/// Characters of names, addresses and other single lines.
const LINE: usize = 300;

/// What one person wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailWords {
    /// Name, else address, else "Somebody".
    pub who: String,
    /// May be empty.
    pub email: String,
    /// A link may open a mail program with `email`.
    pub is_address: bool,
    /// What they say, with its line breaks.
    pub message: String,
    /// "24 Nov 2026, 14:31:07 UTC".
    pub at: String,
    /// The issue, absolute, if there is one.
    pub issue: Option<Link>,
    /// That issue's title.
    pub issue_title: String,
    /// The page they were on; any text, may be empty.
    pub page: String,
    /// May be empty.
    pub environment: String,
    /// May be empty.
    pub release: String,
}

impl MailWords {
    fn tidied(&self, is_alone: bool) -> Self {
        let line = |text: &str| one_line(text, LINE);
        let mut message = self.message.clone();
        if let Some((at, _)) = message.char_indices().nth(EXCERPT).filter(|_| !is_alone) {
            message.truncate(at);
            message.push('…');
        }
        Self {
            who: line(&self.who),
            email: line(&self.email),
            is_address: self.is_address,
            message,
            at: self.at.clone(),
            issue: self.issue.clone(),
            issue_title: line(&self.issue_title),
            page: line(&self.page),
            environment: line(&self.environment),
            release: line(&self.release),
        }
    }

    /// The message for the text body.
    fn lines(&self) -> Vec<String> {
        self.message.lines().map(|line| one_line(line, usize::MAX)).collect()
    }

    /// What else is known.
    fn facts(&self) -> Vec<String> {
        let all = [("Page", &self.page), ("Environment", &self.environment), ("Release", &self.release)];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}")).collect()
    }
}

/// All that such a mail may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackMail {
    /// "shop-api".
    pub project: String,
    /// What is told in full or in part, the oldest first.
    pub words: Vec<MailWords>,
    /// How much came, those that have no room here among them.
    pub count: usize,
    /// Absolute address of the feedback.
    pub url: String,
    /// Absolute address where these mails can be stopped.
    pub settings_url: String,
    /// Absolute address where whoever gets it wants no more of it.
    pub stop_url: String,
    /// Why the recipient gets it.
    pub why: String,
}

#[derive(Template)]
#[template(path = "mail/feedback.html")]
struct FeedbackHtml<'a> {
    mail: &'a FeedbackMail,
}

#[derive(Template)]
#[template(path = "mail/feedback.txt", escape = "none")]
struct FeedbackText<'a> {
    mail: &'a FeedbackMail,
}

impl FeedbackMail {
    /// Longest subject in characters.
    const SUBJECT_CHARS: usize = 160;

    /// "[shop-api] Feedback: It broke when I paid.", "[shop-api] 12 feedback messages".
    pub fn subject(&self) -> String {
        let what = match self.words.as_slice() {
            [alone] if self.count == 1 => format!("Feedback: {}", alone.message),
            _ => number::counted(self.count as i64, "feedback message"),
        };
        one_line(&format!("[{}] {what}", self.project), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self) -> Result<Bodies, askama::Error> {
        let words = self.words.iter().map(|words| words.tidied(self.count == 1)).collect();
        let mail = &Self { words, project: one_line(&self.project, LINE), ..self.clone() };
        Ok(Bodies { text: FeedbackText { mail }.render()?, html: FeedbackHtml { mail }.render()? })
    }

    fn lead(&self) -> String {
        if self.count == 1 {
            return format!("New feedback in {}", self.project);
        }
        format!("{} in {}", number::counted(self.count as i64, "new feedback message"), self.project)
    }

    /// What has no room.
    fn more(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.words.len());
        (more > 0).then(|| format!("And {} more.", number::count(more as i64)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::HOSTILE;
    use super::*;

    fn words(message: &str) -> MailWords {
        MailWords {
            who: "Ana".to_owned(),
            email: "ana@example.test".to_owned(),
            is_address: true,
            message: message.to_owned(),
            at: "24 Nov 2026, 14:31:07 UTC".to_owned(),
            issue: Some(Link::new("SHOP-42", "https://errors.example/issues/42")),
            issue_title: "PaymentDeclined".to_owned(),
            environment: "production".to_owned(),
            ..MailWords::default()
        }
    }

    fn mail(words: Vec<MailWords>, count: usize) -> FeedbackMail {
        FeedbackMail {
            project: "shop".to_owned(),
            words,
            count,
            url: "https://errors.example/projects/shop/feedback#said-7".to_owned(),
            settings_url: "https://errors.example/projects/shop/settings".to_owned(),
            stop_url: "https://errors.example/account/notifications#stop".to_owned(),
            why: "You get this as a member of shop on Vedette.".to_owned(),
        }
    }

    #[test]
    fn one_message_is_told_whole_with_its_author_and_issue() {
        let long = format!("It broke.\n\nWhen I {}", "paid ".repeat(200));
        let mail = mail(vec![words(&long)], 1);
        assert!(mail.subject().starts_with("[shop] Feedback: It broke. When I paid paid"), "{}", mail.subject());
        let bodies = mail.bodies().unwrap();
        for part in ["New feedback in shop", "Ana", "ana@example.test", "SHOP-42", "PaymentDeclined", "production", "issues/42", "#said-7"]
        {
            assert!(bodies.text.contains(part) && bodies.html.contains(part), "{part}: {}", bodies.text);
        }
        assert!(bodies.text.contains("> It broke.\n> \n> When I paid") && bodies.html.contains("href=\"mailto:ana@example.test\""));
        assert!(bodies.html.contains(long.trim()) && !bodies.text.contains("more."), "nothing is cut");
    }

    #[test]
    fn several_are_a_list_with_their_number() {
        let mail = mail(vec![words(&"x".repeat(500)), words("second")], 1234);
        assert_eq!(mail.subject(), "[shop] 1,234 feedback messages");
        let bodies = mail.bodies().unwrap();
        for body in [&bodies.text, &bodies.html] {
            assert!(body.contains("1,234 new feedback messages in shop") && body.contains("And 1,232 more."), "{body}");
            assert!(body.contains(&format!("{}…", "x".repeat(EXCERPT))) && !body.contains(&"x".repeat(EXCERPT + 1)), "{body}");
        }
    }

    #[test]
    fn hostile_words_are_inert_and_make_no_headers_and_no_lines_of_their_own() {
        let h = || HOSTILE.to_owned();
        let forged = format!("{HOSTILE}\r\nBcc: all@example.org\n--\nhttps://evil.example");
        let words = MailWords {
            who: forged.clone(),
            email: forged.clone(),
            is_address: false,
            issue_title: h(),
            page: forged.clone(),
            environment: h(),
            release: h(),
            ..words(&forged)
        };
        let mail = FeedbackMail { project: h(), ..mail(vec![words], 1) };
        assert!(!mail.subject().contains(['\r', '\n', '\u{202e}']) && mail.subject().chars().count() <= FeedbackMail::SUBJECT_CHARS + 1);
        let bodies = mail.bodies().unwrap();
        assert!(!bodies.html.contains("<script") && !bodies.html.contains("<img") && !bodies.html.contains("mailto:"), "{}", bodies.html);
        assert!(!bodies.html.contains("src=\"") && !bodies.html.contains("url("), "nothing is fetched");
        assert!(!bodies.text.contains(['\u{202e}', '\r']), "{}", bodies.text);
        assert_eq!(bodies.text.lines().filter(|line| *line == "--").count(), 1, "only ours: {}", bodies.text);
        assert!(!bodies.text.lines().any(|line| line.starts_with("Bcc") || line.starts_with("https://evil")), "{}", bodies.text);
    }
}
