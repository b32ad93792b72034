//! # Noise: one place that makes a new issue for every event
//! **Promise.** The new issues of one [`Place`] are counted; from [`LOUD`] within an hour on they are told in one mail a day instead of one each,
//! and the project's pages show the rule that would put them together, until somebody adds or dismisses it. Nothing is dropped, and projects do not mix.
//! **How.** A row per project and place. Digest counts in the transaction that makes the issues, and only there; it holds the locks of their
//! projects, so that processes count one after the other. What is decided about a new issue is a pure function of the row ([`Window::one_more`]).
//! **When it breaks.** The rows commit with the issues: a batch that is tried again counts again from what is committed.
//! **Not here.** What a place is (`grouping`), mails and the delivery log (`alerts`).

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::{IssueId, ProjectId};
use crate::grouping::{Place, common_words};
use crate::platform::outbox;

/// New issues of one place within [`WINDOW`] that are noise: several times what a bad release makes in one place, and what a person still reads.
pub const LOUD: i32 = 20;
/// How long new issues are counted together.
pub const WINDOW: TimeDelta = TimeDelta::hours(1);
/// Between two mails about one place.
const TELL_AGAIN: TimeDelta = TimeDelta::days(1);
/// How long a suggestion stays after the last mail about its place.
const SHOWN: TimeDelta = TimeDelta::days(14);
/// A place without new issues for so long is forgotten.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Places that are forgotten in one step.
const BATCH: i64 = 200;
/// Suggestions that a page shows.
const MOST_SHOWN: i64 = 3;
/// Issues that stand for a place.
const SAMPLES: usize = 5;

/// The kind of job that tells of a noisy place.
pub const ISSUES_NOISY: &str = "issues.noisy";
/// The kind of job that writes down of how many new issues no single mail was made.
pub const ISSUES_UNTOLD: &str = "issues.untold";

/// A noisy place, told to the alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseFact {
    /// Whose.
    pub project: ProjectId,
    /// Which.
    pub place: Uuid,
}

/// What is to be done about a new issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// A mail of its own.
    Single,
    /// One mail for all of the place.
    Tell,
    /// None.
    Quiet,
}

/// How loud a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: DateTime<Utc>,
    new_issues: i32,
    noisy_since: Option<DateTime<Utc>>,
    told_at: Option<DateTime<Utc>>,
}

impl Window {
    const fn new(from: DateTime<Utc>) -> Self {
        Self { from, new_issues: 0, noisy_since: None, told_at: None }
    }

    /// Counts a new issue. A place stays noisy while hour follows noisy hour.
    fn one_more(&mut self, now: DateTime<Utc>) -> Verdict {
        let age = now - self.from;
        // A clock that went back begins anew, too.
        if age >= WINDOW || age < -WINDOW {
            if self.new_issues < LOUD || age >= WINDOW * 2 {
                self.noisy_since = None;
            }
            (self.from, self.new_issues) = (now, 0);
        }
        self.new_issues = self.new_issues.saturating_add(1);
        if self.new_issues >= LOUD && self.noisy_since.is_none() {
            self.noisy_since = Some(self.from);
        }
        match (self.noisy_since, self.told_at) {
            (None, _) => Verdict::Single,
            (Some(_), Some(told)) if (now - told).abs() < TELL_AGAIN => Verdict::Quiet,
            (Some(_), _) => {
                self.told_at = Some(now);
                Verdict::Tell
            }
        }
    }
}

type Key = (ProjectId, Uuid);

/// A row, while new issues are counted.
#[derive(Debug, Clone)]
struct Row {
    window: Window,
    words: String,
    pattern: String,
    rule: String,
    samples: Vec<i64>,
    noisy_issues: i64,
    untold: i64,
    untold_since: Option<DateTime<Utc>>,
}

impl Row {
    fn add(&mut self, issue: IssueId, place: &Place, now: DateTime<Utc>) -> Verdict {
        let verdict = self.window.one_more(now);
        self.words = clean(&place.words);
        let is_new = self.window.new_issues == 1 && self.window.noisy_since.is_none();
        self.pattern = clean(&if is_new { place.said.clone() } else { common_words(&self.pattern, &place.said) });
        // What is suggested stays until there is noise again.
        if self.window.noisy_since.is_some() {
            self.rule = clean(&place.rule(&self.pattern));
        }
        self.samples.insert(0, issue.0);
        self.samples.truncate(SAMPLES);
        self.noisy_issues = match self.window.noisy_since {
            None => 0,
            Some(_) if self.noisy_issues == 0 => i64::from(self.window.new_issues),
            Some(_) => self.noisy_issues + 1,
        };
        if verdict != Verdict::Single {
            self.untold += 1;
            self.untold_since.get_or_insert(now);
        }
        verdict
    }
}

/// PostgreSQL takes no NUL.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Counts new issues by their places, in the transaction that makes them, whose caller holds the projects' locks. Those that get no mail of
/// their own.
pub async fn count(db: &mut PgConnection, new: &[(IssueId, &Place)], now: DateTime<Utc>) -> anyhow::Result<HashSet<IssueId>> {
    let key = |(issue, place): &(IssueId, &Place)| (issue.project(), Uuid::from_bytes(place.hash.0));
    let wanted: Vec<Key> = new.iter().map(key).collect();
    let mut untold = HashSet::new();
    if wanted.is_empty() {
        return Ok(untold);
    }
    let mut rows = read(db, &wanted).await?;
    for (one, key) in new.iter().zip(wanted) {
        let (issue, place) = *one;
        let blank = || Row {
            window: Window::new(now),
            words: String::new(),
            pattern: String::new(),
            rule: String::new(),
            samples: Vec::new(),
            noisy_issues: 0,
            untold: 0,
            untold_since: None,
        };
        let row = rows.entry(key).or_insert_with(blank);
        let verdict = row.add(issue, place, now);
        let fact = NoiseFact { project: key.0, place: key.1 };
        if verdict == Verdict::Tell {
            outbox::enqueue(db, ISSUES_NOISY, &fact, now).await?;
        }
        if verdict != Verdict::Single {
            untold.insert(issue);
            if row.untold == 1 {
                outbox::enqueue_at(db, ISSUES_UNTOLD, &fact, (now, now + WINDOW)).await?;
            }
        }
    }
    write(db, &rows, now).await?;
    Ok(untold)
}

async fn read(db: &mut PgConnection, wanted: &[Key]) -> sqlx::Result<BTreeMap<Key, Row>> {
    let rows = sqlx::query!(
        "select project_id, place, words, pattern, rule, window_from, new_issues, samples, noisy_since, noisy_issues, told_at, untold, untold_since
        from noisy_places where (project_id, place) in (select * from unnest($1::int[], $2::uuid[]))
        order by project_id, place for update",
        &wanted.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, place)| *place).collect::<Vec<_>>()
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|r| {
        let window = Window { from: r.window_from, new_issues: r.new_issues, noisy_since: r.noisy_since, told_at: r.told_at };
        let (samples, untold_since) = (samples(&r.samples), r.untold_since);
        let (words, pattern, rule, noisy_issues, untold) = (r.words, r.pattern, r.rule, r.noisy_issues, r.untold);
        ((ProjectId(r.project_id), r.place), Row { window, words, pattern, rule, samples, noisy_issues, untold, untold_since })
    });
    Ok(rows.collect())
}

fn samples(stored: &Value) -> Vec<i64> {
    stored.as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
}

/// Writes the rows, and forgets some of the same projects that were silent for long.
async fn write(db: &mut PgConnection, rows: &BTreeMap<Key, Row>, now: DateTime<Utc>) -> sqlx::Result<()> {
    let projects: Vec<i32> = rows.keys().map(|(project, _)| project.0).collect();
    let text = |of: fn(&Row) -> &str| rows.values().map(|row| of(row).to_owned()).collect::<Vec<_>>();
    let time = |of: fn(&Row) -> Option<DateTime<Utc>>| rows.values().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "insert into noisy_places (project_id, place, words, pattern, rule, window_from, new_issues, samples, noisy_since, noisy_issues,
            told_at, untold, untold_since, last_at)
        select *, $14 from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::jsonb[],
            $9::timestamptz[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::timestamptz[])
        on conflict (project_id, place) do update set words = excluded.words, pattern = excluded.pattern, rule = excluded.rule,
            window_from = excluded.window_from, new_issues = excluded.new_issues, samples = excluded.samples,
            noisy_since = excluded.noisy_since, noisy_issues = excluded.noisy_issues, told_at = excluded.told_at,
            untold = excluded.untold, untold_since = excluded.untold_since, last_at = excluded.last_at",
        &projects,
        &rows.keys().map(|(_, place)| *place).collect::<Vec<_>>(),
        &text(|row| &row.words),
        &text(|row| &row.pattern),
        &text(|row| &row.rule),
        &rows.values().map(|row| row.window.from).collect::<Vec<_>>(),
        &rows.values().map(|row| row.window.new_issues).collect::<Vec<_>>(),
        &rows.values().map(|row| json!(row.samples)).collect::<Vec<_>>(),
        &time(|row| row.window.noisy_since) as &[Option<DateTime<Utc>>],
        &rows.values().map(|row| row.noisy_issues).collect::<Vec<_>>(),
        &time(|row| row.window.told_at) as &[Option<DateTime<Utc>>],
        &rows.values().map(|row| row.untold).collect::<Vec<_>>(),
        &time(|row| row.untold_since) as &[Option<DateTime<Utc>>],
        now
    )
    .execute(&mut *db)
    .await?;
    let silent = sqlx::query!(
        "delete from noisy_places where (project_id, place) in (
            select project_id, place from noisy_places where project_id = any($1) and last_at < $2 limit $3 for update skip locked)",
        &projects,
        now - KEPT,
        BATCH
    );
    silent.execute(db).await.map(|_| ())
}

/// A noisy place, as pages and mails tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noisy {
    /// Which.
    pub place: Uuid,
    /// "PaymentDeclined in shop.charge_card".
    pub words: String,
    /// The fingerprint rule that puts its events together; empty where none fits.
    pub rule: String,
    /// New issues since then.
    pub issues: i64,
    /// When the first hour that was too loud began.
    pub since: DateTime<Utc>,
    /// The newest issues.
    pub samples: Vec<IssueId>,
}

/// Noisy places of a project that nobody has dismissed, the newest first.
pub async fn shown(db: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> sqlx::Result<Vec<Noisy>> {
    let rows = sqlx::query!(
        "select place, words, rule, noisy_issues, noisy_since, told_at, samples from noisy_places
        where project_id = $1 and told_at > $2 and (dismissed_at is null or dismissed_at < told_at)
        order by told_at desc, place limit $3",
        project.0,
        now - SHOWN,
        MOST_SHOWN
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| Noisy {
        place: row.place,
        words: row.words,
        rule: row.rule,
        issues: row.noisy_issues,
        since: row.noisy_since.or(row.told_at).unwrap_or(now),
        samples: samples(&row.samples).into_iter().map(IssueId).collect(),
    });
    Ok(rows.collect())
}

/// One place, while it is noisy or was last told of.
pub async fn find(db: &mut PgConnection, project: ProjectId, place: Uuid) -> sqlx::Result<Option<Noisy>> {
    let row = sqlx::query!(
        r#"select words, rule, noisy_issues, coalesce(noisy_since, told_at) as "since!", samples from noisy_places
        where project_id = $1 and place = $2 and told_at is not null"#,
        project.0,
        place
    );
    Ok(row.fetch_optional(db).await?.map(|row| Noisy {
        place,
        words: row.words,
        rule: row.rule,
        issues: row.noisy_issues,
        since: row.since,
        samples: samples(&row.samples).into_iter().map(IssueId).collect(),
    }))
}

/// Shows the suggestion no more, unless the place is told of again. False: there is nothing to dismiss.
pub(super) async fn dismiss(db: &mut PgConnection, project: ProjectId, place: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let dismissed = sqlx::query!(
        "update noisy_places set dismissed_at = $3
        where project_id = $1 and place = $2 and told_at is not null and (dismissed_at is null or dismissed_at < told_at)",
        project.0,
        place,
        now
    );
    Ok(dismissed.execute(db).await?.rows_affected() > 0)
}

/// New issues of a place of which no single mails were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// What the place is called.
    pub words: String,
    /// How many.
    pub issues: i64,
    /// When the first of them came.
    pub since: DateTime<Utc>,
}

/// Takes them out, to be written into the delivery log in the same transaction.
pub async fn take_untold(db: &mut PgConnection, fact: NoiseFact) -> sqlx::Result<Option<Untold>> {
    let row = sqlx::query!(
        "select words, untold, untold_since from noisy_places where project_id = $1 and place = $2 and untold > 0 for update",
        fact.project.0,
        fact.place
    );
    let Some(row) = row.fetch_optional(&mut *db).await? else { return Ok(None) };
    let taken = sqlx::query!(
        "update noisy_places set untold = 0, untold_since = null where project_id = $1 and place = $2",
        fact.project.0,
        fact.place
    );
    taken.execute(db).await?;
    Ok(row.untold_since.map(|since| Untold { words: row.words, issues: row.untold, since }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787 + minutes * 60, 0).unwrap()
    }

    /// What becomes of new issues at these minutes.
    fn verdicts(minutes: impl IntoIterator<Item = i64>) -> Vec<Verdict> {
        let mut window = Window::new(at(0));
        minutes.into_iter().map(|minute| window.one_more(at(minute))).collect()
    }

    fn count(verdicts: &[Verdict], wanted: Verdict) -> usize {
        verdicts.iter().filter(|verdict| **verdict == wanted).count()
    }

    #[test]
    fn the_twentieth_within_an_hour_is_one_too_many() {
        let all = verdicts(0..59);
        assert_eq!((count(&all, Verdict::Single), count(&all, Verdict::Tell), count(&all, Verdict::Quiet)), (19, 1, 39));
        assert_eq!(all[19], Verdict::Tell);
        let few = verdicts((0..19).chain([60, 61]));
        assert_eq!(count(&few, Verdict::Single), few.len(), "the hour is over");
        let slow = verdicts((0..200).map(|n| n * 5));
        assert_eq!(count(&slow, Verdict::Single), slow.len(), "twelve in an hour");
    }

    #[test]
    fn it_is_noise_while_hour_follows_noisy_hour() {
        let loud = |hour: i64| (0..30).map(move |minute| hour * 60 + minute);
        let next = verdicts(loud(0).chain(loud(1)).chain([120, 121]).chain([180, 181]));
        assert_eq!(count(&next, Verdict::Single), 19 + 2, "the third hour was quiet, so those of the fourth are single again");
        let pause = verdicts(loud(0).chain(loud(3)));
        assert_eq!(count(&pause, Verdict::Single), 19 + 19, "two hours of silence end it");
        assert_eq!(count(&pause, Verdict::Tell), 1, "told this day already");
        let days = verdicts((0..25).flat_map(loud));
        assert_eq!((count(&days, Verdict::Single), count(&days, Verdict::Tell)), (19, 2), "a mail a day");
    }

    #[test]
    fn a_clock_that_was_wrong_by_a_year_keeps_nobody_waiting() {
        let mut window = Window { told_at: Some(at(525_600)), ..Window::new(at(525_600)) };
        let all: Vec<_> = (0..20).map(|minute| window.one_more(at(minute))).collect();
        assert_eq!((all[0], all[19]), (Verdict::Single, Verdict::Tell));
    }
}
