//! Every mail in every state: loads nothing, runs nothing, has all its links; and lies in `target/mails` for `tests/browser/mails.py` to take pictures of.

use std::fs;
use std::path::Path;

use vedette::web::Link;
use vedette::web::channel_mail::ChannelMail;
use vedette::web::digest_mail::{DigestLine, DigestMail};
use vedette::web::feedback_mail::{FeedbackMail, MailWords};
use vedette::web::limit_mail::LimitMail;
use vedette::web::mail_view::{Bodies, IssueMail, MailKind, test_bodies};
use vedette::web::noise_mail::NoiseMail;
use vedette::web::project_mail::ProjectMail;
use vedette::web::weekly_mail::{WeeklyMail, WeeklyProject};

const SETTINGS: &str = "https://errors.example/projects/shop/settings";
const STOP: &str = "https://errors.example/account/notifications#stop";
const WHY: &str = "You get this as a member of shop on Vedette.";

fn digest() -> DigestMail {
    let line = |number: u32, title: &str, facts: &str| DigestLine {
        short_id: format!("SHOP-{number}"),
        title: title.to_owned(),
        url: format!("https://errors.example/issues/{number}"),
        facts: facts.to_owned(),
        level: "error".to_owned(),
    };
    DigestMail {
        notes: vec!["Surge: 812 in 5 min, usually 40 per hour across 37 issues".to_owned()],
        project: "shop".to_owned(),
        counts: "49 new issues, 1 regression, 1 issue ignored no more".to_owned(),
        release: "2.1.0".to_owned(),
        lines: vec![
            line(3, "PaymentDeclined: card processor answered 503 for merchant 40127", "new, 1,312 events, 418 users"),
            line(17, "KeyError: 'basket'", "came back, 12 events, 3 users"),
            line(41, &format!("TimeoutError: {}", "https://processor.example/v2/charges/".repeat(4)), "spikes, 90 events, 1 user"),
        ],
        more: 48,
        url: "https://errors.example/issues?project=shop&sort=first_seen".to_owned(),
        settings_url: SETTINGS.to_owned(),
        stop_url: STOP.to_owned(),
        why: WHY.to_owned(),
    }
}

fn feedback() -> FeedbackMail {
    let words = MailWords {
        who: "Ana".to_owned(),
        email: "ana@example.test".to_owned(),
        is_address: true,
        message: "It broke when I paid.\n\nI tried three times with the same card, and each time the page went blank.".to_owned(),
        at: "24 Nov 2026, 14:31:07 UTC".to_owned(),
        issue: Some(Link::new("SHOP-42", "https://errors.example/issues/42")),
        issue_title: "PaymentDeclined".to_owned(),
        environment: "production".to_owned(),
        ..MailWords::default()
    };
    FeedbackMail {
        project: "shop".to_owned(),
        words: vec![words],
        count: 1,
        url: "https://errors.example/projects/shop/feedback#said-7".to_owned(),
        settings_url: SETTINGS.to_owned(),
        stop_url: STOP.to_owned(),
        why: WHY.to_owned(),
    }
}

fn limit(until: &str) -> LimitMail {
    LimitMail {
        project: "shop".to_owned(),
        limit: "The project's limit on events per minute".to_owned(),
        max: "100".to_owned(),
        since: "24 Nov 2026, 14:31:07 UTC".to_owned(),
        until: until.to_owned(),
        dropped: if until.is_empty() { String::new() } else { "1,234".to_owned() },
        url: "https://errors.example/projects/shop/settings/limits".to_owned(),
        settings_url: SETTINGS.to_owned(),
        stop_url: STOP.to_owned(),
        ..LimitMail::default()
    }
}

fn noise() -> NoiseMail {
    NoiseMail {
        project: "shop".to_owned(),
        place: "TimeoutError in shop.pay".to_owned(),
        issues: "23 new issues".to_owned(),
        since: "24 Nov 2026, 14:31:07 UTC".to_owned(),
        is_fresh: true,
        samples: "SHOP-23, SHOP-22".to_owned(),
        rule: "error.type:\"TimeoutError\" stack.function:pay -> \"TimeoutError in pay\"".to_owned(),
        url: "https://errors.example/issues?project=shop".to_owned(),
        settings_url: format!("{SETTINGS}/grouping"),
        stop_url: STOP.to_owned(),
        why: WHY.to_owned(),
    }
}

fn channel() -> ChannelMail {
    ChannelMail {
        project: "shop".to_owned(),
        channel: "Slack: Alerts".to_owned(),
        place: "hooks.slack.com/…Xy9z".to_owned(),
        said: "404 Not Found: no_service".to_owned(),
        since: "24 Nov 2026, 14:31:07 UTC".to_owned(),
        url: format!("{SETTINGS}/channels"),
        settings_url: SETTINGS.to_owned(),
    }
}

fn weekly() -> WeeklyMail {
    let project = |name: &str, facts: &str, lines: Vec<DigestLine>| WeeklyProject {
        name: name.to_owned(),
        url: format!("https://errors.example/issues?project={name}"),
        facts: facts.to_owned(),
        lines,
    };
    let lines = digest().lines.into_iter().map(|line| DigestLine { facts: "1,312 events, new".to_owned(), ..line }).collect();
    WeeklyMail {
        week: "16 to 22 Nov 2026".to_owned(),
        headline: "2,731 events, 40 % fewer than the week before".to_owned(),
        projects: vec![
            project("shop", "3 new issues, 1 came back, 2,701 events, 41 % fewer than the week before", lines),
            project("shop-web", "no new issues, 30 events, none in the week before", Vec::new()),
        ],
        more: String::new(),
        quiet: "blog, landing-page".to_owned(),
        url: "https://errors.example/issues".to_owned(),
        stop_url: STOP.to_owned(),
    }
}

fn surge() -> ProjectMail {
    ProjectMail {
        project: "shop".to_owned(),
        what: "Surge".to_owned(),
        lead: "Many issues of shop at once".to_owned(),
        headline: "812 in 5 min, usually 40 per hour across 37 issues".to_owned(),
        message: "All of the project does what it never does. Spikes of single issues that are part of it come together in one mail."
            .to_owned(),
        facts: vec![("Since", "24 Nov 2026, 14:31:07 UTC".to_owned()), ("Largest minute", "214 events".to_owned())],
        lines: digest().lines,
        more: 34,
        open: "the issues".to_owned(),
        url: "https://errors.example/issues?project=shop".to_owned(),
        settings_url: SETTINGS.to_owned(),
        stop_url: STOP.to_owned(),
        why: WHY.to_owned(),
    }
}

fn silence() -> ProjectMail {
    ProjectMail {
        what: "Silence".to_owned(),
        lead: "shop sends nothing any more".to_owned(),
        headline: "nothing for 95 minutes, which never happens".to_owned(),
        message: "Either all is well at last, or the program, its network or its DSN is not what it was.".to_owned(),
        facts: vec![("Last event", "24 Nov 2026, 12:56:00 UTC".to_owned()), ("Longest silence of the week", "11 minutes".to_owned())],
        lines: Vec::new(),
        more: 0,
        ..surge()
    }
}

fn trouble() -> ProjectMail {
    ProjectMail {
        project: "Vedette".to_owned(),
        what: "Trouble".to_owned(),
        lead: "Vedette itself needs a look".to_owned(),
        headline: "Events appear late: 1,204 requests wait in the journal, the oldest for 16 minutes".to_owned(),
        message: "Nothing is lost. The database is slow or away: its log says more.".to_owned(),
        open: "Vedette".to_owned(),
        url: "https://errors.example/".to_owned(),
        settings_url: String::new(),
        stop_url: String::new(),
        why: "You get this as an administrator of Vedette.".to_owned(),
        ..silence()
    }
}

/// What strangers wrote into everything they may.
fn digest_of_strangers() -> DigestMail {
    let mut mail = digest();
    for line in &mut mail.lines {
        line.title = "<img src=x onerror=alert(1)> \u{202e}txt.exe\r\nBcc: eve@example.test ".to_owned() + &"long".repeat(60);
    }
    DigestMail { release: "<script>alert(1)</script>".to_owned(), ..mail }
}

fn all() -> Vec<(String, Bodies)> {
    let kinds = [
        (MailKind::NewIssue, "new-issue"),
        (MailKind::Regression, "regression"),
        (MailKind::Spike, "spike"),
        (MailKind::Unignored, "unignored"),
    ];
    let issues = IssueMail::samples()
        .into_iter()
        .flat_map(|(state, mail)| kinds.into_iter().map(move |(kind, name)| (format!("{name}-{state}"), mail.bodies(kind).unwrap())));
    let others = [
        ("digest", digest().bodies()),
        ("digest-hostile", digest_of_strangers().bodies()),
        ("channel-failed", channel().bodies()),
        ("feedback", feedback().bodies()),
        ("limit-reached", limit("").bodies()),
        ("limit-ended", limit("24 Nov 2026, 15:00:00 UTC").bodies()),
        ("noise", noise().bodies()),
        ("surge", surge().bodies()),
        ("silence", silence().bodies()),
        ("trouble", trouble().bodies()),
        ("weekly", weekly().bodies()),
        (
            "weekly-nothing",
            WeeklyMail { projects: Vec::new(), headline: "no events, as in the week before".to_owned(), ..weekly() }.bodies(),
        ),
        ("test", test_bodies("https://errors.example/mails")),
    ];
    issues.chain(others.into_iter().map(|(name, bodies)| (name.to_owned(), bodies.unwrap()))).collect()
}

#[test]
fn no_mail_loads_or_runs_anything_and_all_say_how_to_stop_them() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mails");
    fs::create_dir_all(&dir).unwrap();
    for (name, bodies) in all() {
        for live in ["<img", "<script", "<link", "<iframe", "src=\"", "url(", "@import", "href=\"javascript"] {
            assert!(!bodies.html.contains(live), "{name}: {live}");
        }
        let stops = ["test", "channel-failed", "trouble"].contains(&&*name) || (bodies.html.contains(STOP) && bodies.text.contains(STOP));
        assert!(stops, "{name} says how to stop it");
        let issue = ["new-issue", "regression", "spike", "unignored"].iter().any(|kind| name.starts_with(kind));
        for act in ["#resolve", "#ignore"] {
            assert_eq!((bodies.html.contains(act), bodies.text.contains(act)), (issue, issue), "{name} {act}");
        }
        // Two empty lines in a row look like something is missing; long lines are the mail client's to fold.
        assert!(!bodies.text.contains("\n\n\n"), "{name}: {}", bodies.text);
        assert!(bodies.text.lines().all(|line| !line.starts_with(' ') || !line.trim().is_empty()), "{name}: blanks: {}", bodies.text);
        fs::write(dir.join(format!("{name}.html")), &bodies.html).unwrap();
        fs::write(dir.join(format!("{name}.txt")), &bodies.text).unwrap();
    }
}
