//! How people say it: "97 % from release 1.4.2 (290 of 300 events; before: 3 %)".

use super::judge::{Against, Finding};
use super::{Changed, MAX_VALUE};
use crate::web::mail_view::one_line;
use crate::web::number;

/// Findings of which a message tells.
const TOLD: usize = 2;

/// What a message says, a line each: at most two, without who the users are. Nothing when nothing stands out.
pub fn words(changed: &Changed) -> Vec<String> {
    changed.findings.iter().take(TOLD).map(|finding| format!("{} ({})", headline(finding), counts(finding, changed))).collect()
}

/// "97 % from release 1.4.2", "only Safari 19", "one user causes 88 %".
pub fn headline(finding: &Finding) -> String {
    let share = number::share(signed(finding.count), signed(finding.of));
    let is_all = finding.count == finding.of;
    let value = shown(&finding.value);
    match finding.key.as_str() {
        "user" if is_all => "only one user".to_owned(),
        "user" => format!("one user causes {share}"),
        key if is_all => format!("only {}", named(key, &value)),
        key @ ("release" | "dist" | "server_name" | "browser" | "browser.name" | "site") => format!("{share} from {}", named(key, &value)),
        key @ ("environment" | "transaction") => format!("{share} in {}", named(key, &value)),
        key @ ("os" | "os.name" | "device" | "device.family" | "runtime" | "runtime.name") => format!("{share} on {}", named(key, &value)),
        key => format!("{share} with {}", named(key, &value)),
    }
}

/// "290 of 300 events; before: 3 %".
pub fn counts(finding: &Finding, changed: &Changed) -> String {
    let all = finding.of == changed.events as u64;
    let events = if all {
        number::counted(signed(finding.of), "event")
    } else {
        format!("{} events that name one", number::count(signed(finding.of)))
    };
    let mut text = format!("{} of {events}", number::count(signed(finding.count)));
    if let Some((count, of)) = finding.before {
        text.push_str(match changed.against {
            Against::Before | Against::Earlier => "; before: ",
            Against::Others => "; other issues: ",
        });
        text.push_str(&match (count, changed.against) {
            (0, Against::Before) => "never".to_owned(),
            _ => number::share(signed(count), signed(of)),
        });
    }
    text
}

/// "the same events: server api-3, plan pro"; empty when there is nothing to say.
pub fn also(finding: &Finding) -> String {
    let also: Vec<_> = finding.also.iter().filter(|(key, _)| key != "user").map(|(key, value)| named(key, &shown(value))).collect();
    if also.is_empty() { String::new() } else { format!("the same events: {}", also.join(", ")) }
}

/// "over the newest 100 events since 26 Nov, 02:00 UTC".
pub fn basis(changed: &Changed) -> String {
    let since = changed.since.format("%-d %b, %H:%M UTC");
    let events = number::count(changed.events as i64);
    if changed.is_whole { format!("{events} events since {since}") } else { format!("newest {events} events since {since}") }
}

/// What is known by its name needs no noun.
fn named(key: &str, value: &str) -> String {
    match key {
        "browser" | "browser.name" | "os" | "os.name" | "device" | "device.family" | "runtime" | "runtime.name" => value.to_owned(),
        "server_name" => format!("server {value}"),
        "url" => format!("URL {value}"),
        key => format!("{} {value}", shown(key)),
    }
}

/// A client's text within a sentence.
fn shown(text: &str) -> String {
    one_line(text, MAX_VALUE)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn found(key: &str, value: &str, counts: [u64; 2], before: Option<(u64, u64)>) -> Finding {
        Finding { key: key.to_owned(), value: value.to_owned(), count: counts[0], of: counts[1], before, also: Vec::new() }
    }

    fn changed(findings: Vec<Finding>, against: Against) -> Changed {
        let since = DateTime::from_timestamp(1_795_530_787, 0).unwrap();
        Changed { findings, against, events: 200, is_whole: true, since }
    }

    #[test]
    fn people_read_sentences_with_counts() {
        for (key, value, counts, before, against, text) in [
            ("release", "1.4.2", [194, 200], Some((3, 100)), Against::Before, "97 % from release 1.4.2 (194 of 200 events; before: 3 %)"),
            ("release", "1.4.2", [194, 200], Some((0, 100)), Against::Before, "97 % from release 1.4.2 (194 of 200 events; before: never)"),
            ("release", "1.4.2", [194, 200], Some((0, 100)), Against::Earlier, "97 % from release 1.4.2 (194 of 200 events; before: 0 %)"),
            ("browser.name", "Safari", [200, 200], Some((2, 10)), Against::Others, "only Safari (200 of 200 events; other issues: 20 %)"),
            ("user", "email:ana@example.org", [176, 200], None, Against::Before, "one user causes 88 % (176 of 200 events)"),
            ("user", "id:7", [200, 200], None, Against::Before, "only one user (200 of 200 events)"),
            ("server_name", "api-2", [200, 200], Some((1, 2)), Against::Before, "only server api-2 (200 of 200 events; before: 50 %)"),
            ("plan", "pro", [90, 100], Some((1, 10)), Against::Before, "90 % with plan pro (90 of 100 events that name one; before: 10 %)"),
            ("os", "iOS 26", [100, 200], Some((1, 10)), Against::Before, "50 % on iOS 26 (100 of 200 events; before: 10 %)"),
            (
                "environment",
                "beta",
                [100, 200],
                Some((1, 10)),
                Against::Before,
                "50 % in environment beta (100 of 200 events; before: 10 %)",
            ),
        ] {
            assert_eq!(words(&changed(vec![found(key, value, counts, before)], against)), [text]);
        }
    }

    #[test]
    fn hostile_values_stay_in_their_line() {
        let hostile = format!("a\r\nBcc: x\u{202e}{}", "é".repeat(1000));
        let line = words(&changed(vec![found(&hostile, &hostile, [20, 200], None)], Against::Before)).remove(0);
        assert!(!line.contains(['\r', '\n', '\u{202e}']) && line.chars().count() < 250, "{line}");
    }

    #[test]
    fn messages_are_short_and_name_no_user() {
        let mut first = found("release", "1.4.2", [194, 200], None);
        first.also =
            [("server_name", "api-2"), ("user", "id:7"), ("plan", "pro")].map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        assert_eq!(also(&first), "the same events: server api-2, plan pro");
        assert_eq!(also(&found("os", "iOS", [1, 1], None)), "");
        let user = found("user", "email:ana@example.org", [176, 200], None);
        let all = changed(vec![first, user.clone(), user], Against::Before);
        let lines = words(&all);
        assert_eq!(lines.len(), 2);
        assert!(!lines.concat().contains("ana@"), "{lines:?}");
        assert_eq!(basis(&all), "200 events since 24 Nov, 14:33 UTC");
        assert_eq!(basis(&Changed { is_whole: false, ..all }), "newest 200 events since 24 Nov, 14:33 UTC");
    }
}
