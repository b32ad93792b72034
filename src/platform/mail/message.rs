//! One outgoing message, and how it becomes MIME.

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::MailError;

/// Longer subjects are cut: mail clients show a line.
const SUBJECT_CHARS: usize = 200;

/// A message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The address, with or without a name.
    pub to: String,
    /// Control characters become blanks, long ones are cut.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// `<unique@host>`: the same for every attempt.
    pub message_id: String,
    /// The `Message-ID` of the mail that this one continues; mail clients show both as one conversation.
    pub in_reply_to: Option<String>,
    /// When the mail was decided on: the same for every attempt.
    pub date: DateTime<Utc>,
    /// More headers, such as `List-Id`. `Auto-Submitted` is always there.
    pub headers: Vec<(&'static str, String)>,
}

impl Outgoing {
    /// The message as lettre sends it.
    pub(super) fn message(&self, from: &Mailbox) -> Result<Message, MailError> {
        let to: Mailbox = self.to.parse().map_err(|_| MailError::permanent(format!("{:?} is not a mail address", self.to)))?;
        let mut message = Message::builder()
            .from(from.clone())
            .to(to)
            .date(self.date.into())
            .subject(plain(&self.subject, SUBJECT_CHARS))
            .message_id(Some(id(&self.message_id)?));
        if let Some(before) = &self.in_reply_to {
            let before = id(before)?;
            message = message.in_reply_to(before.clone()).references(before);
        }
        // RFC 3834: no vacation notices in reply, please.
        let automatic = ("Auto-Submitted", "auto-generated".to_owned());
        for (name, value) in self.headers.iter().chain([&automatic]) {
            let name =
                HeaderName::new_from_ascii((*name).to_owned()).map_err(|_| MailError::permanent(format!("{name:?} is no header name")))?;
            message = message.raw_header(HeaderValue::new(name, plain(value, usize::MAX)));
        }
        message
            .multipart(MultiPart::alternative_plain_html(body(&self.text), body(&self.html)))
            .map_err(|error| MailError::permanent(format!("the mail cannot be built: {error}")))
    }
}

/// A header's text: one line.
fn plain(text: &str, chars: usize) -> String {
    let mut line: String =
        text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(chars) {
        line.truncate(at);
        line.push('…');
    }
    line
}

/// A `Message-ID` goes out as it is, so it must be one.
fn id(text: &str) -> Result<String, MailError> {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).filter(|inner| {
        inner.len() <= 200 && inner.split('@').count() == 2 && inner.bytes().all(|b| b.is_ascii_graphic() && !b"<>()\",;:\\".contains(&b))
    });
    inner.map(|_| text.to_owned()).ok_or_else(|| MailError::permanent(format!("{text:?} is no Message-ID")))
}

/// SMTP knows no NUL.
fn body(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
