//! A webhook of one's own: JSON that `docs/webhooks.md` describes, signed as Standard Webhooks does, so that its libraries check it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::message::Message;

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// The form of the JSON: a field that is added leaves it, one that changes its meaning does not.
const VERSION: u32 = 1;

/// A secret for a new channel.
pub(super) fn new_secret(bytes: [u8; 32]) -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes))
}

/// What is posted.
pub(super) fn body(message: &Message, (id, at): (&str, DateTime<Utc>)) -> Value {
    let issue =
        |named: &super::message::Named| json!({"short_id": named.short_id, "title": named.title, "url": named.url, "level": named.level});
    let facts: Vec<Value> = message.facts.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "version": VERSION,
        "id": id,
        "kind": message.kind,
        "at": at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "project": message.project,
        "summary": message.preview,
        "title": message.title,
        "text": message.text,
        "notes": message.notes,
        "facts": facts,
        "release": message.release,
        "level": message.level,
        "url": message.url,
        "issue_id": message.issue.map(|issue| issue.0),
        "issues": message.issues.iter().map(issue).collect::<Vec<_>>(),
        "more": message.more,
    })
}

/// The signature of a body that is sent now: `v1,` and the base64 of an HMAC-SHA256 over id, time and body.
pub(super) fn signature(secret: &str, (id, seconds): (&str, i64), body: &[u8]) -> String {
    let key = secret.strip_prefix(PREFIX).and_then(|key| BASE64_STANDARD.decode(key).ok()).unwrap_or_else(|| secret.as_bytes().to_vec());
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // The example of the specification's libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = signature(secret, ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330), br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
