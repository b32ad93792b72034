//! # Flash messages
//! **Promise.** A redirect after a POST can say what happened, once, without a session row. **How.** A cookie that lives one minute and that the next page removes: one letter for the kind, then the text, percent-encoded.
//! **When it breaks.** A cookie that does not parse is no message. The cookie is not signed: its text is printed escaped and decides nothing. **Not here.** Anything that must not be forged.

use http::HeaderValue;

use super::prefix;

/// What a message is about; chooses its colour and its `role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It worked.
    Done,
    /// It did not, or only partly.
    Warning,
}

/// One message for the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// Its tone.
    pub tone: Tone,
    /// A whole sentence.
    pub text: String,
}

/// Longest message in characters: a cookie holds 4 KB, and percent-encoding triples.
const MAX_CHARS: usize = 300;
const NAME: &str = "vedette_flash";

impl Flash {
    /// "It worked."
    pub fn done(text: impl Into<String>) -> Self {
        Self { tone: Tone::Done, text: text.into() }
    }

    /// "It did not, or only partly."
    pub fn warning(text: impl Into<String>) -> Self {
        Self { tone: Tone::Warning, text: text.into() }
    }

    /// The CSS class of its tone.
    pub fn css(&self) -> &'static str {
        match self.tone {
            Tone::Done => "flash done",
            Tone::Warning => "flash warning",
        }
    }

    /// The `Set-Cookie` that carries it to the next page.
    pub fn set_cookie(&self) -> HeaderValue {
        let kind = if self.tone == Tone::Done { 'd' } else { 'w' };
        let text: String = self.text.chars().take(MAX_CHARS).collect();
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        HeaderValue::from_str(&format!("{NAME}={kind}{encoded}; Path={}; Max-Age=60; HttpOnly; SameSite=Lax", prefix::cookie_path()))
            .unwrap_or(HeaderValue::from_static("vedette_flash=; Path=/; Max-Age=0"))
    }

    /// The `Set-Cookie` that removes it once shown.
    pub fn clear_cookie() -> HeaderValue {
        HeaderValue::from_str(&format!("{NAME}=; Path={}; Max-Age=0; HttpOnly; SameSite=Lax", prefix::cookie_path()))
            .unwrap_or(HeaderValue::from_static("vedette_flash=; Path=/; Max-Age=0"))
    }

    /// The message in a request's `Cookie` headers, if there is one.
    pub fn from_cookies(headers: &http::HeaderMap) -> Option<Self> {
        let raw =
            headers.get_all(http::header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';')).find_map(|c| {
                let (name, value) = c.trim().split_once('=')?;
                (name == NAME).then_some(value)
            })?;
        let tone = match raw.chars().next()? {
            'd' => Tone::Done,
            'w' => Tone::Warning,
            _ => return None,
        };
        let (text, _) = url::form_urlencoded::parse(&raw.as_bytes()[1..]).next()?;
        Some(Self { tone, text: text.chars().take(MAX_CHARS).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, header::COOKIE};

    fn carried(flash: &Flash) -> Option<Flash> {
        let set = flash.set_cookie();
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).unwrap());
        Flash::from_cookies(&headers)
    }

    #[test]
    fn any_text_arrives_on_the_next_page() {
        for text in ["3 issues resolved.", "é → 😀; a=b & c%20\n", "<script>alert(1)</script>"] {
            assert_eq!(carried(&Flash::done(text)), Some(Flash::done(text)));
            assert_eq!(carried(&Flash::warning(text)), Some(Flash::warning(text)));
        }
        assert_eq!(carried(&Flash::done("x".repeat(5000))).unwrap().text.len(), MAX_CHARS);
    }

    #[test]
    fn a_broken_cookie_is_no_message() {
        for cookie in ["vedette_flash=", "vedette_flash=zhello", "vedette_flash", "other=dhello", "vedette_flash=d"] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(cookie));
            assert_eq!(Flash::from_cookies(&headers), None, "{cookie}");
        }
    }
}
