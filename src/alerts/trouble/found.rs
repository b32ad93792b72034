//! What counts as trouble. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::queries::Stuck;
use crate::platform::journal::JournalStats;
use crate::platform::trouble::{Failing, Trouble};
use crate::web::number;

/// Events that wait so long are late.
const LATE: TimeDelta = TimeDelta::minutes(10);
/// Trouble that passes by itself is no mail.
const LASTS: TimeDelta = TimeDelta::minutes(5);
/// The same, when events are lost meanwhile.
const URGENT: TimeDelta = TimeDelta::minutes(1);
/// Trouble that lasts is told again; what stands there until somebody looks, more rarely.
const AGAIN: TimeDelta = TimeDelta::days(1);
const REMAINS: TimeDelta = TimeDelta::weeks(1);
/// Background work that fails for so long.
const FAILS: TimeDelta = TimeDelta::minutes(15);
/// What was lost stays lost, though a process that was started since knows nothing of it.
const DAMAGED: &str = "damaged";
/// Longest error that is quoted, in characters.
const MAX_ERROR: usize = 300;

/// What one process sees of itself.
pub(super) struct Seen<'a> {
    pub(super) now: DateTime<Utc>,
    /// Whether the journal has room, or why not.
    pub(super) room: Result<(), String>,
    pub(super) stats: &'a JournalStats,
    pub(super) failing: &'a [Failing],
}

/// A trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) words: String,
    /// What to do.
    pub(super) advice: String,
    /// How long it must last before it is mailed, and again.
    pub(super) after: TimeDelta,
    pub(super) again: TimeDelta,
    pub(super) is_mailed: bool,
    /// It is that of all processes.
    pub(super) is_shared: bool,
}

impl Found {
    fn new(name: &str, words: String, advice: &str) -> Self {
        Self { name: name.to_owned(), words, advice: advice.to_owned(), after: LASTS, again: AGAIN, is_mailed: true, is_shared: false }
    }

    /// As pages show it.
    pub(super) fn trouble(&self) -> Trouble {
        Trouble { name: self.name.clone(), words: self.words.clone() }
    }
}

/// The troubles of a process.
pub(super) fn here(seen: &Seen<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    if let Err(why) = &seen.room {
        let advice = "Make room on the disk of the data directory, or let the journal have more (VEDETTE_JOURNAL_BYTES). SDKs are told to wait; events are taken again as soon as there is room.";
        found.push(Found { after: URGENT, ..Found::new("journal_full", format!("Events are refused: {why}"), advice) });
    }
    let late = seen.stats.oldest_at.map(|oldest| seen.now - oldest).filter(|late| *late >= LATE);
    if let Some(late) = late {
        let words = format!(
            "Events appear late: {} in the journal, the oldest for {}",
            waiting(seen.stats.records),
            number::counted(late.num_minutes(), "minute")
        );
        found.push(Found::new(
            "late",
            words,
            "Nothing is lost. Look at the database: is it slow, or its disk full? The server's log says what a batch waits for.",
        ));
    }
    if seen.stats.dead_letters > 0 {
        let words = format!("{} could not be stored and were set aside", number::counted(seen.stats.dead_letters as i64, "request"));
        let advice = "The page Dead letters (/admin/dead-letters) says why; after the reason is gone they can be retried there.";
        found.push(Found { again: REMAINS, ..Found::new("dead_letters", words, advice) });
    }
    if seen.stats.damaged_records > 0 {
        let words =
            format!("{} of the journal were found damaged and are lost", number::counted(seen.stats.damaged_records as i64, "record"));
        let advice = "Look at the disk of the data directory, and at the server's log.";
        found.push(Found { again: REMAINS, ..Found::new(DAMAGED, words, advice) });
    }
    for failing in seen.failing.iter().filter(|failing| seen.now - failing.since >= FAILS) {
        let error: String = failing.error.chars().take(MAX_ERROR).collect();
        let words = format!("The background task {} fails: {error}", failing.task);
        found.push(Found::new(
            &format!("task.{}", failing.task),
            words,
            "It is tried again all the time. If the reason says nothing to you, the server's log has more.",
        ));
    }
    found
}

/// "1 request waits", "5 requests wait".
fn waiting(records: u64) -> String {
    let wait = if records == 1 { "waits" } else { "wait" };
    format!("{} {wait}", number::counted(records as i64, "request"))
}

/// Whether it is worth a mail that this is over.
pub(super) fn ends(name: &str) -> bool {
    name != DAMAGED
}

/// The trouble that mails do not go out.
pub(super) fn mails(stuck: Option<Stuck>) -> Option<Found> {
    let Stuck { mails, said } = stuck?;
    let said: String = said.chars().take(MAX_ERROR).collect();
    let words = format!("{} could not be sent for half an hour and more: {said}", number::counted(mails, "mail"));
    let advice = "Look at VEDETTE_SMTP_URL and at the mail server. Mails are tried again for two days.";
    Some(Found { is_mailed: false, is_shared: true, ..Found::new("mails", words, advice) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    fn names(room: Result<(), String>, stats: &JournalStats, failing: &[Failing]) -> Vec<String> {
        here(&Seen { now: at(100), room, stats, failing }).into_iter().map(|found| found.name).collect()
    }

    #[test]
    fn a_server_that_is_well_has_none() {
        let fine = JournalStats { records: 5, oldest_at: Some(at(95)), ..JournalStats::default() };
        assert_eq!(names(Ok(()), &fine, &[]), Vec::<String>::new());
        assert_eq!(mails(None), None);
    }

    #[test]
    fn each_trouble_is_named_with_what_to_do() {
        let stats = JournalStats { records: 5, oldest_at: Some(at(89)), dead_letters: 2, damaged_records: 1, ..JournalStats::default() };
        let failing = |since| Failing { task: "events.retention", since: at(since), error: "no".to_owned() };
        assert_eq!(
            names(Err("full".to_owned()), &stats, &[failing(80), failing(90)]),
            ["journal_full", "late", "dead_letters", "damaged", "task.events.retention"]
        );
        let found = here(&Seen { now: at(100), room: Ok(()), stats: &stats, failing: &[] });
        assert_eq!(found[0].words, "Events appear late: 5 requests wait in the journal, the oldest for 11 minutes");
        let stuck = mails(Some(Stuck { mails: 3, said: "connection refused".to_owned() })).unwrap();
        assert_eq!(
            (stuck.words.as_str(), stuck.is_mailed),
            ("3 mails could not be sent for half an hour and more: connection refused", false)
        );
    }
}
