//! What people type into the form of a new channel.

use url::Url;

use super::request::Target;
use super::{Kind, ntfy, webhook};
use crate::platform::App;
use crate::web::mail_view::one_line;
use crate::web::{FieldErrors, Fields};

/// Longest name in characters.
const MAX_LABEL: usize = 60;
/// Longest address in bytes.
const MAX_URL: usize = 2000;
/// Longest token in bytes.
const MAX_TOKEN: usize = 500;

/// The form, as typed; the address and the token are typed again after a mistake.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) errors: FieldErrors,
}

/// What it asks for.
pub(super) struct Wanted {
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) target: Target,
    /// A secret that was made for it, and is shown this once.
    pub(super) made: Option<String>,
}

/// Reads the form, or says what is wrong with it.
pub(super) fn read(app: &App, fields: &Fields) -> Result<Wanted, Typed> {
    let text = |name| fields.get(name).unwrap_or_default().trim();
    let mut errors = FieldErrors::default();
    let kind = Kind::named(text("kind"));
    if kind.is_none() {
        errors = errors.with("kind", "Choose what the address belongs to.");
    }
    let label = one_line(text("label"), MAX_LABEL + 1);
    let length = label.chars().count();
    if length == 0 || length > MAX_LABEL {
        errors = errors.with("label", format!("A name of 1 to {MAX_LABEL} characters."));
    }
    let url = kind.map(|kind| address(app, kind, text("url")));
    if let Some(Err(problem)) = &url {
        errors = errors.with("url", problem.clone());
    }
    let token = text("token");
    if token.len() > MAX_TOKEN || !token.bytes().all(|b| b.is_ascii_graphic()) {
        errors = errors.with("token", format!("Up to {MAX_TOKEN} letters, digits and signs, without blanks."));
    }
    let (Some(kind), Some(Ok(url)), true) = (kind, url, errors.is_empty()) else {
        return Err(Typed { kind: text("kind").chars().take(MAX_LABEL).collect(), label, errors });
    };
    let made = (kind == Kind::Webhook).then(|| webhook::new_secret(app.ids.bytes()));
    let token = Some(token.to_owned()).filter(|token| kind == Kind::Ntfy && !token.is_empty());
    Ok(Wanted { kind, label, target: Target { url, secret: made.clone().or(token) }, made })
}

fn address(app: &App, kind: Kind, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && text.len() <= MAX_URL);
    let url = url.ok_or("A web address, such as https://hooks.example.org/…")?;
    app.fetch.check(&url).map_err(|error| format!("Vedette must not ask it: {error}."))?;
    match kind {
        Kind::Ntfy if ntfy::topic(&url).is_none() => Err("The address ends with a topic: https://ntfy.sh/my-topic".to_owned()),
        _ => Ok(url),
    }
}
