//! What a link of a mail does.

use askama::Template;

use crate::web::{Link, Page, Sample, page::HOSTILE};

/// All that `templates/mails/link.html` may print.
#[derive(Debug, Template)]
#[template(path = "mails/link.html")]
pub struct MailLinkPage {
    /// "Resolve SHOP-41?", "SHOP-41 resolved."
    pub title: String,
    /// What that means; may be empty.
    pub text: String,
    /// Where the button posts to.
    pub action: String,
    /// "Resolve"; empty: there is nothing to press.
    pub button: &'static str,
    /// Another way on.
    pub link: Option<Link>,
}

impl MailLinkPage {
    /// A page that only says something.
    pub fn told(title: String, link: Link) -> Self {
        Self { title, text: String::new(), action: String::new(), button: "", link: Some(link) }
    }
}

impl Page for MailLinkPage {
    const NAME: &'static str = "mail-link";

    fn samples() -> Vec<Sample<Self>> {
        let asks = Self {
            title: "Resolve SHOP-1842?".to_owned(),
            text: "It is repaired, you say. Should it happen again, its members are told.".to_owned(),
            action: "/mail-links/resolve.7.4294967303.1796135587.x".to_owned(),
            button: "Resolve",
            link: Some(Link::new("Look at SHOP-1842 first", "/issues/1842")),
        };
        let hostile =
            Self { title: HOSTILE.to_owned(), text: HOSTILE.to_owned(), action: HOSTILE.to_owned(), button: "Resolve", link: None };
        let done = Self::told("SHOP-1842 ignored until 25 Nov 2026, 14:33 UTC.".to_owned(), Link::new("Open SHOP-1842", "/issues/1842"));
        vec![Sample::new("asks", asks), Sample::new("done", done), Sample::new("hostile", hostile)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        crate::web::page::assert_inert::<MailLinkPage>();
    }
}
