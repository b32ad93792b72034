//! # Mail transport: one message to one SMTP server
//! **Promise.** [`Mailer::send`] hands a message to the SMTP server or says why not, in the server's own words, and whether trying again may help. It answers within [`PATIENCE`].
//! **How.** lettre builds every header (nothing is concatenated), encodes what is not ASCII and lines that are too long, and speaks SMTP ([`settings`]: TLS, STARTTLS or neither).
//! Without settings nothing is sent: the message stays where the caller keeps it, and the answer is [`Sent::Kept`].
//! **When it breaks.** A connection that drops after the text was sent may mean a delivered message: the caller tries again with the same
//! `Message-ID`, by which mail clients fold the repeat.
//! **Not here.** Who gets which mail and when to try again (`alerts`, `platform::outbox`); templates (`web::mail_view`).

mod message;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

pub use message::Outgoing;
pub use settings::{SettingsError, SmtpSettings, Tls};

/// How long one message may take, from connecting to the server's last word.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Replies about our credentials: permanent in SMTP's words, but they end when a person corrects the settings, and mails should not be lost until then.
const ABOUT_CREDENTIALS: [u16; 4] = [530, 534, 535, 538];

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The SMTP server took it; its words, such as `2.0.0 Ok: queued as 4A2F`.
    Accepted(String),
    /// There is no SMTP server to give it to.
    Kept,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct MailError {
    /// Trying again later may help.
    pub temporary: bool,
    /// The SMTP server's words, or ours, in one line.
    pub said: String,
}

impl MailError {
    fn permanent(said: impl Into<String>) -> Self {
        Self { temporary: false, said: said.into() }
    }
}

fn sender(from: &str) -> Result<Mailbox, SettingsError> {
    from.parse().map_err(|_| SettingsError::Sender { sender: from.to_owned() })
}

/// Sends mails, or keeps them when there is no SMTP server.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// No SMTP settings.
    Kept,
    /// By this server.
    Smtp(SmtpMailer),
}

/// The sending kind of [`Mailer`].
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    patience: Duration,
}

impl Mailer {
    /// `from` is the sender of every mail, `Vedette <vedette@example.org>` or an address alone.
    ///
    /// Connects to nothing; must be called within a Tokio runtime.
    pub fn new(smtp: Option<SmtpSettings>, from: &str) -> Result<Self, SettingsError> {
        let Some(smtp) = smtp else { return Ok(Self::Kept) };
        Ok(Self::Smtp(SmtpMailer { transport: smtp.transport()?, from: sender(from)?, patience: PATIENCE }))
    }

    /// Whether mails can come from this sender.
    pub fn check_sender(from: &str) -> Result<(), SettingsError> {
        sender(from).map(|_| ())
    }

    /// Hands one message over.
    pub async fn send(&self, mail: &Outgoing) -> Result<Sent, MailError> {
        let Self::Smtp(smtp) = self else { return Ok(Sent::Kept) };
        let message = mail.message(&smtp.from)?;
        // lettre's own timeout ends with connecting; a server that falls silent later would hold the job for ever.
        match tokio::time::timeout(smtp.patience, smtp.transport.send(message)).await {
            Ok(Ok(response)) => Ok(Sent::Accepted(one_line(&response.message().collect::<Vec<_>>().join(" ")))),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(MailError {
                temporary: true,
                said: format!("the SMTP server did not answer within {} seconds", smtp.patience.as_secs()),
            }),
        }
    }
}

fn judge(error: &SmtpError) -> MailError {
    let code = error.status().map(u16::from);
    let temporary = !error.is_permanent() || code.is_some_and(|code| ABOUT_CREDENTIALS.contains(&code));
    MailError { temporary, said: one_line(&error.to_string()) }
}

/// Text for a log line: no line breaks, not endless.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(500)
        .collect()
}
