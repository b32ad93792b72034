//! Mails against an SMTP server that misbehaves on request.

use chrono::DateTime;

use super::*;

#[path = "../../../tests/it/harness/fake_smtp.rs"]
mod fake_smtp;

use fake_smtp::{Behaviour, FakeSmtp, Stage};

fn mail() -> Outgoing {
    Outgoing {
        to: "ana@example.test".to_owned(),
        subject: "[shop] ValueError: boom".to_owned(),
        text: "Something broke.\n".to_owned(),
        html: "<p>Something broke.</p>".to_owned(),
        message_id: "<issue-7.new@vedette.test>".to_owned(),
        in_reply_to: None,
        date: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        headers: vec![("List-Id", "<shop.vedette.test>".to_owned())],
    }
}

fn mailer(url: &str) -> Mailer {
    Mailer::new(Some(SmtpSettings::parse(url).unwrap()), "Vedette <vedette@example.test>").unwrap()
}

#[tokio::test]
async fn a_mail_goes_out_with_its_headers_and_both_bodies() {
    let smtp = FakeSmtp::start().await;
    let reply = Outgoing { in_reply_to: Some("<issue-7.first@vedette.test>".to_owned()), ..mail() };
    let sent = mailer(&smtp.url()).send(&reply).await.unwrap();
    assert_eq!(sent, Sent::Accepted("2.0.0 queued as 1".to_owned()));

    let got = smtp.wait_for(1).await.remove(0);
    assert_eq!((got.from.as_str(), got.to.as_slice()), ("<vedette@example.test>", &["<ana@example.test>".to_owned()][..]));
    for line in [
        "From: Vedette <vedette@example.test>",
        "To: ana@example.test",
        "Subject: [shop] ValueError: boom",
        "Message-ID: <issue-7.new@vedette.test>",
        "In-Reply-To: <issue-7.first@vedette.test>",
        "References: <issue-7.first@vedette.test>",
        "Auto-Submitted: auto-generated",
        "List-Id: <shop.vedette.test>",
        "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        "Something broke.",
        "<p>Something broke.</p>",
    ] {
        assert!(got.text.lines().any(|l| l == line), "{line} is missing in\n{}", got.text);
    }
}

#[tokio::test]
async fn hostile_text_stays_in_its_place() {
    let smtp = FakeSmtp::start().await;
    let hostile = Outgoing {
        subject: format!("boom\r\nBcc: eve@example.test\0\n {}", "ü".repeat(400)),
        text: format!("{}\n.\nünï\0", "x".repeat(5000)),
        headers: vec![("List-Id", "<a>\r\nBcc: eve@example.test".to_owned())],
        ..mail()
    };
    mailer(&smtp.url()).send(&hostile).await.unwrap();
    let got = smtp.wait_for(1).await.remove(0);
    assert_eq!(got.to, ["<ana@example.test>"]);
    assert!(!got.text.lines().any(|line| line.starts_with("Bcc")), "{}", got.text);
    assert!(got.text.is_ascii() && !got.text.contains('\0'), "encoded");
    assert!(got.text.lines().all(|line| line.len() <= 998), "no line is longer than SMTP allows");

    for (to, id) in
        [("no address", "<a@b>"), ("ana@example.test\r\nRCPT TO:<eve@example.test>", "<a@b>"), ("ana@example.test", "<a@b>\r\nBcc: x")]
    {
        let wrong = Outgoing { to: to.to_owned(), message_id: id.to_owned(), ..mail() };
        assert!(!mailer(&smtp.url()).send(&wrong).await.unwrap_err().temporary, "{to:?} {id:?}");
    }
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test]
async fn refusals_say_whether_to_try_again_and_in_whose_words() {
    let smtp = FakeSmtp::start().await;
    let url = smtp.url().replace("://", "://user:p%40ss@");
    for (behaviour, temporary, words) in [
        (Behaviour::Refuse(Stage::Rcpt, "550 5.1.1 no such user here"), false, "no such user here"),
        (Behaviour::Refuse(Stage::Rcpt, "450 4.2.0 greylisted"), true, "greylisted"),
        (Behaviour::Refuse(Stage::Text, "552 5.3.4 too large"), false, "too large"),
        (Behaviour::Refuse(Stage::Text, "451 4.3.0 disk full"), true, "disk full"),
        (Behaviour::Refuse(Stage::Greeting, "421 busy"), true, "busy"),
        (Behaviour::Refuse(Stage::Auth, "535 5.7.8 wrong password"), true, "wrong password"),
        (Behaviour::DropAfterText, true, ""),
    ] {
        smtp.behave(behaviour);
        let error = mailer(&url).send(&mail()).await.unwrap_err();
        assert_eq!(error.temporary, temporary, "{behaviour:?}: {error}");
        assert!(error.said.contains(words) && !error.said.contains("p@ss"), "{behaviour:?}: {error}");
    }
    // The password arrives decoded: \0user\0p@ss in base64.
    smtp.behave(Behaviour::Accept);
    mailer(&url).send(&mail()).await.unwrap();
    assert_eq!(smtp.mails().last().unwrap().auth, "AUTH PLAIN AHVzZXIAcEBzcw==");

    let nobody_listens = FakeSmtp::start().await.url();
    assert!(mailer(&nobody_listens).send(&mail()).await.unwrap_err().temporary);
}

#[tokio::test]
async fn a_silent_server_is_left_after_a_while() {
    let smtp = FakeSmtp::start().await;
    smtp.behave(Behaviour::Hang(Stage::Text));
    let Mailer::Smtp(patient) = mailer(&smtp.url()) else { panic!("it has settings") };
    let mailer = Mailer::Smtp(SmtpMailer { patience: Duration::from_millis(200), ..patient });
    let error = mailer.send(&mail()).await.unwrap_err();
    assert!(error.temporary, "{error}");
}

#[tokio::test]
async fn without_settings_mails_are_kept() {
    assert_eq!(Mailer::new(None, "").unwrap().send(&mail()).await.unwrap(), Sent::Kept);
    let settings = SmtpSettings::parse("smtp://localhost").unwrap();
    assert!(Mailer::new(Some(settings), "nobody").unwrap_err().to_string().contains("nobody"));
}

#[test]
fn urls_in_every_form() {
    for (url, host, port, tls) in [
        ("smtp://localhost", "localhost", 25, Tls::None),
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Tls::None),
        ("smtp://[::1]:1025?tls=none", "::1", 1025, Tls::None),
        ("smtp://mail.example.org", "mail.example.org", 25, Tls::Opportunistic),
        ("smtp://u:p@mail.example.org", "mail.example.org", 587, Tls::Required),
        ("smtp://u:p@mail.example.org?tls=none", "mail.example.org", 25, Tls::None),
        ("smtp://mail.example.org:2525/?tls=required", "mail.example.org", 2525, Tls::Required),
        ("smtp+starttls://mail.example.org", "mail.example.org", 587, Tls::Required),
        ("smtps://u:p@mail.example.org/our.name", "mail.example.org", 465, Tls::Wrapper),
    ] {
        let settings = SmtpSettings::parse(url).unwrap();
        assert_eq!((settings.host.as_str(), settings.port, settings.tls), (host, port, tls), "{url}");
    }
    for url in [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://u@h",
        "smtp://h?tls=maybe",
        "smtps://h?tls=none",
        "smtp://u:%ff@h",
    ] {
        let said = SmtpSettings::parse(url).unwrap_err().to_string();
        assert!(said.contains("VEDETTE_SMTP_URL"), "{url}: {said}");
    }
    let secret = SmtpSettings::parse("smtps://user:hunter2@mail.example.org").unwrap();
    assert!(!format!("{secret:?}").contains("hunter2"));
}
