//! # The mails, as text and HTML
//! **Promise.** [`IssueMail::bodies`] gives both bodies of a mail about an issue, and [`IssueMail::subject`] its subject: one line, no control characters, bounded.
//! **How.** Templates under `templates/mail/`. HTML mails use inline style (mail clients know nothing else) and load nothing from anywhere.
//! **Not here.** Headers, `Message-ID`, transport.

use askama::Template;

use super::page::HOSTILE;

/// Why the mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// The first event of a new issue.
    NewIssue,
    /// A resolved issue happened again.
    Regression,
    /// An issue does what it never does.
    Spike,
    /// What an issue was ignored for has happened.
    Unignored,
}

/// One line of the stack in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFrame {
    /// "checkout/payment.py:87".
    pub place: String,
    /// "charge_card"; may be empty.
    pub function: String,
    /// The source line; may be empty.
    pub source: String,
}

/// All that a mail about an issue may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueMail {
    /// "shop-api".
    pub project: String,
    /// "SHOP-1842".
    pub short_id: String,
    /// "PaymentDeclined".
    pub kind: String,
    /// "card processor answered 503"; may be empty.
    pub message: String,
    /// May be empty.
    pub culprit: String,
    /// "error".
    pub level: String,
    /// May be empty.
    pub environment: String,
    /// May be empty.
    pub release: String,
    /// The newest first, in-app frames; a handful.
    pub frames: Vec<MailFrame>,
    /// "24 Nov 2026, 14:31:07 UTC".
    pub seen: String,
    /// Absolute address of the issue.
    pub url: String,
    /// Absolute address where these mails can be stopped.
    pub settings_url: String,
    /// Absolute address that resolves it, for whoever gets the mail.
    pub resolve_url: String,
    /// The same to ignore it for a day.
    pub ignore_url: String,
    /// Absolute address where whoever gets it wants no more of it.
    pub stop_url: String,
    /// Why the recipient gets it: "You get this as a member of shop-api on Vedette."
    pub why: String,
    /// Regressions: "21 Nov 2026, 10:00:00 UTC by Mira"; may be empty.
    pub resolved: String,
    /// Regressions and spikes: events over the issue's whole life, "2,318".
    pub events: String,
    /// Ignored no more: "100 more events came".
    pub woken: String,
    /// Spikes: "41 in 5 min, usually 2 per hour".
    pub spike: String,
    /// Spikes: when it began.
    pub since: String,
    /// Spikes: "12 events in a minute".
    pub peak: String,
    /// "97 % from release 1.4.2 (290 of 300 events; before: 3 %)"; one line each, mostly none.
    pub unusual: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail/new_issue.html")]
struct NewIssueHtml<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/new_issue.txt", escape = "none")]
struct NewIssueText<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/regression.html")]
struct RegressionHtml<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/regression.txt", escape = "none")]
struct RegressionText<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/spike.html")]
struct SpikeHtml<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/spike.txt", escape = "none")]
struct SpikeText<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/unignored.html")]
struct UnignoredHtml<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "mail/unignored.txt", escape = "none")]
struct UnignoredText<'a> {
    mail: &'a IssueMail,
    facts: Vec<(&'static str, &'a str)>,
}

/// Both bodies of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bodies {
    /// `text/plain`.
    pub text: String,
    /// `text/html`.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail/test.html")]
struct TestHtml<'a> {
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/test.txt", escape = "none")]
struct TestText<'a> {
    url: &'a str,
}

/// The mail that says that mails arrive; `url` is the delivery log's.
pub fn test_bodies(url: &str) -> Result<Bodies, askama::Error> {
    Ok(Bodies { text: TestText { url }.render()?, html: TestHtml { url }.render()? })
}

impl IssueMail {
    /// Longest subject in characters; mail clients show about 70.
    const SUBJECT_CHARS: usize = 160;

    /// The title in one line.
    pub fn title(&self) -> String {
        if self.message.is_empty() { self.kind.clone() } else { format!("{}: {}", self.kind, self.message) }
    }

    /// "[shop-api] New: PaymentDeclined: …", "[shop-api] Back in 1.4.2: PaymentDeclined: …",
    /// "[shop-api] Spike: 41 in 5 min, usually 2 per hour: PaymentDeclined: …".
    pub fn subject(&self, kind: MailKind) -> String {
        let what = match kind {
            MailKind::NewIssue => "New".to_owned(),
            MailKind::Regression if self.release.is_empty() => "Back".to_owned(),
            MailKind::Regression => format!("Back in {}", self.release),
            MailKind::Spike => format!("Spike: {}", self.spike),
            MailKind::Unignored => format!("Ignored no more, {}", self.woken),
        };
        self.about(&what)
    }

    /// What can be done from the mail: name, address.
    fn acts(&self) -> [(&'static str, &str); 2] {
        [("Resolve", &self.resolve_url), ("Ignore for a day", &self.ignore_url)]
    }

    /// "[shop-api] Spike over after 45 min: 312 events, 41 in the largest minute: PaymentDeclined: …".
    pub fn over_subject(&self) -> String {
        self.about(&format!("Spike over {}", self.spike))
    }

    fn about(&self, what: &str) -> String {
        one_line(&format!("[{}] {what}: {}", self.project, self.title()), Self::SUBJECT_CHARS)
    }

    /// Both bodies.
    pub fn bodies(&self, kind: MailKind) -> Result<Bodies, askama::Error> {
        let (mail, facts) = (self, self.facts(kind));
        Ok(match kind {
            MailKind::NewIssue => {
                Bodies { text: NewIssueText { mail, facts: facts.clone() }.render()?, html: NewIssueHtml { mail, facts }.render()? }
            }
            MailKind::Regression => {
                Bodies { text: RegressionText { mail, facts: facts.clone() }.render()?, html: RegressionHtml { mail, facts }.render()? }
            }
            MailKind::Spike => {
                Bodies { text: SpikeText { mail, facts: facts.clone() }.render()?, html: SpikeHtml { mail, facts }.render()? }
            }
            MailKind::Unignored => {
                Bodies { text: UnignoredText { mail, facts: facts.clone() }.render()?, html: UnignoredHtml { mail, facts }.render()? }
            }
        })
    }

    /// Name and value of the facts that are known and that this kind of mail tells.
    pub fn facts(&self, kind: MailKind) -> Vec<(&'static str, &str)> {
        let always = [
            ("Project", &self.project),
            ("Environment", &self.environment),
            ("Release", &self.release),
            ("Level", &self.level),
            ("Seen", &self.seen),
        ];
        let history = [("Resolved", &self.resolved), ("Events", &self.events)];
        let spike = [("Since", &self.since), ("Largest", &self.peak), ("Events in all", &self.events)];
        let told = match kind {
            MailKind::NewIssue => [].as_slice(),
            MailKind::Regression => &history,
            MailKind::Unignored => &history[1..],
            MailKind::Spike => &spike,
        };
        always.iter().chain(told).filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Made-up mails for samples: an ordinary one and a hostile one.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let frame = |place: &str, function: &str, source: &str| MailFrame {
            place: place.to_owned(),
            function: function.to_owned(),
            source: source.to_owned(),
        };
        let usual = Self {
            project: "shop-api".to_owned(),
            short_id: "SHOP-1842".to_owned(),
            kind: "PaymentDeclined".to_owned(),
            message: "card processor answered 503 for merchant 40127".to_owned(),
            culprit: "checkout.payment in charge_card".to_owned(),
            level: "error".to_owned(),
            environment: "production".to_owned(),
            release: "1.4.2".to_owned(),
            frames: vec![
                frame("checkout/payment.py:87", "charge_card", "raise PaymentDeclined(response)"),
                frame("checkout/views.py:41", "submit", "charge = gateway.charge_card(order, card)"),
                frame("shop/wsgi.py:12", "application", ""),
            ],
            seen: "24 Nov 2026, 14:31:07 UTC".to_owned(),
            url: "https://errors.example/issues/1842".to_owned(),
            settings_url: "https://errors.example/projects/shop-api/settings".to_owned(),
            resolve_url: "https://errors.example/issues/1842#resolve".to_owned(),
            ignore_url: "https://errors.example/issues/1842#ignore".to_owned(),
            stop_url: "https://errors.example/account/notifications#stop".to_owned(),
            why: "You get this as a member of shop-api on Vedette.".to_owned(),
            resolved: "23 Nov 2026, 10:00:00 UTC by Mira".to_owned(),
            events: "2,318".to_owned(),
            woken: "100 more events came".to_owned(),
            spike: "41 in 5 min, usually 2 per hour".to_owned(),
            since: "24 Nov 2026, 14:26:00 UTC".to_owned(),
            peak: "12 events in a minute".to_owned(),
            unusual: vec![
                "97 % from release 1.4.2 (290 of 300 events; before: 3 %)".to_owned(),
                "only Safari 19 (300 of 300 events; before: 12 %)".to_owned(),
            ],
        };
        let h = || HOSTILE.to_owned();
        let hostile = Self {
            project: h(),
            short_id: h(),
            kind: format!("{HOSTILE}\r\nBcc: all@example.org"),
            message: h(),
            culprit: h(),
            level: h(),
            environment: h(),
            release: h(),
            frames: vec![frame(HOSTILE, HOSTILE, HOSTILE)],
            why: h(),
            resolved: h(),
            woken: h(),
            spike: h(),
            since: h(),
            peak: h(),
            unusual: vec![h()],
            ..usual.clone()
        };
        vec![("usual", usual), ("hostile", hostile)]
    }
}

/// `text` without line breaks, control and direction-changing characters, at most `max` characters.
pub fn one_line(text: &str, max: usize) -> String {
    let hidden = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control() || hidden(c)).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_says_what_broke_where_and_links_to_it() {
        let (_, mail) = IssueMail::samples().remove(0);
        assert_eq!(mail.subject(MailKind::NewIssue), "[shop-api] New: PaymentDeclined: card processor answered 503 for merchant 40127");
        assert_eq!(
            mail.subject(MailKind::Regression),
            "[shop-api] Back in 1.4.2: PaymentDeclined: card processor answered 503 for merchant 40127"
        );
        assert_eq!(
            mail.subject(MailKind::Spike),
            "[shop-api] Spike: 41 in 5 min, usually 2 per hour: PaymentDeclined: card processor answered 503 for merchant 40127"
        );
        for kind in [MailKind::NewIssue, MailKind::Regression, MailKind::Spike, MailKind::Unignored] {
            let bodies = mail.bodies(kind).unwrap();
            for text in [
                "PaymentDeclined",
                "card processor answered 503",
                "checkout.payment in charge_card",
                "production",
                "1.4.2",
                "checkout/payment.py:87",
                "What is unusual",
                "97 % from release 1.4.2 (290 of 300 events; before: 3 %)",
                "https://errors.example/issues/1842",
            ] {
                assert!(bodies.text.contains(text) && bodies.html.contains(text), "{kind:?} {text}");
            }
        }
        assert!(mail.bodies(MailKind::Regression).unwrap().text.contains("by Mira"));
        let spike = mail.bodies(MailKind::Spike).unwrap();
        for text in ["41 in 5 min, usually 2 per hour", "Since", "14:26:00 UTC", "12 events in a minute"] {
            assert!(spike.text.contains(text) && spike.html.contains(text), "{text}");
        }
        assert!(!mail.bodies(MailKind::NewIssue).unwrap().text.contains("by Mira"));
        let usual = IssueMail { unusual: Vec::new(), ..mail }.bodies(MailKind::NewIssue).unwrap();
        assert!(!usual.text.contains("unusual") && !usual.html.contains("unusual"), "nothing is said where nothing stands out");
    }

    #[test]
    fn hostile_text_is_inert_and_makes_no_headers() {
        let (_, mail) = IssueMail::samples().remove(1);
        for kind in [MailKind::NewIssue, MailKind::Regression, MailKind::Spike, MailKind::Unignored] {
            let subject = mail.subject(kind);
            assert!(!subject.contains(['\r', '\n', '\u{202e}']) && subject.chars().count() <= IssueMail::SUBJECT_CHARS + 1);
            let html = mail.bodies(kind).unwrap().html;
            assert!(!html.contains("<script") && !html.contains("<img"));
        }
    }

    #[test]
    fn html_mails_load_nothing() {
        for (_, mail) in IssueMail::samples() {
            let html = mail.bodies(MailKind::NewIssue).unwrap().html;
            assert!(!html.contains("src=\"") && !html.contains("url("), "nothing is fetched");
        }
    }
}
