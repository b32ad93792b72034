//! What a link does, signed. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::accounts::{IssueId, ProjectId, UserId};
use crate::alerts::personal::Subject;

/// Signed with what is signed, so that a signature made for something else is none here.
const PURPOSE: &[u8] = b"vedette mail link 1\n";

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Resolves the issue, until then.
    Resolve(IssueId, DateTime<Utc>),
    /// Ignores it for a day, until then.
    IgnoreDay(IssueId, DateTime<Utc>),
    /// Stops mails of a project about that; works for ever.
    Stop(ProjectId, Subject),
}

/// A deed and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) user: UserId,
    pub(super) deed: Deed,
}

impl Token {
    /// As an address has it: "resolve.7.4294967303.1796135587.SIGNATURE".
    pub(super) fn sign(self, key: &[u8]) -> String {
        let user = self.user.0;
        let text = match self.deed {
            Deed::Resolve(issue, until) => format!("resolve.{user}.{issue}.{}", until.timestamp()),
            Deed::IgnoreDay(issue, until) => format!("ignore.{user}.{issue}.{}", until.timestamp()),
            Deed::Stop(project, subject) => format!("stop.{user}.{}.{}", project.0, subject.name()),
        };
        let signature = mac(key, &text).map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).unwrap_or_default();
        format!("{text}.{signature}")
    }

    /// What was signed with this key; nothing for anything else.
    pub(super) fn open(token: &str, key: &[u8]) -> Option<Self> {
        let (text, signature) = token.rsplit_once('.')?;
        mac(key, text)?.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let [what, user, of, more] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
        let until = || DateTime::from_timestamp(more.parse().ok()?, 0);
        let deed = match what {
            "resolve" => Deed::Resolve(of.parse().ok()?, until()?),
            "ignore" => Deed::IgnoreDay(of.parse().ok()?, until()?),
            "stop" => Deed::Stop(ProjectId(of.parse().ok()?), Subject::parse(more)?),
            _ => return None,
        };
        Some(Self { user: UserId(user.parse().ok()?), deed })
    }
}

fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(PURPOSE);
    mac.update(text.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"some key of 32 bytes, as it would";

    #[test]
    fn what_was_signed_comes_back_and_nothing_else_does() {
        let until = DateTime::from_timestamp(1_796_135_587, 0).unwrap();
        let issue = IssueId::new(ProjectId(1), 7);
        for deed in [Deed::Resolve(issue, until), Deed::IgnoreDay(issue, until), Deed::Stop(ProjectId(3), Subject::NewIssues)] {
            let token = Token { user: UserId(7), deed };
            let text = token.sign(KEY);
            assert_eq!(Token::open(&text, KEY), Some(token));
            assert_eq!(Token::open(&text, b"another key"), None);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "it needs no encoding: {text}");
            // Whatever is changed, it is no link any more.
            for at in 0..text.len() {
                let changed: String =
                    text.char_indices().map(|(i, c)| if i == at { if c == '3' { '4' } else { '3' } } else { c }).collect();
                // The last of 43 digits has two bits that say nothing; a strict decoder refuses those.
                assert_ne!(Token::open(&changed, KEY), Some(token), "{changed}");
            }
        }
        for wrong in ["", ".", "resolve.7.1.1.", "stop.7.1.new_issue", &"0".repeat(64), "resolve.7.4294967303.1796135587.AAAA"] {
            assert_eq!(Token::open(wrong, KEY), None, "{wrong}");
        }
    }
}
