//! The database stage: a batch in one transaction.
//!
//! Locks in one order (projects, issues; each by number), so that processes beside one another wait but do not deadlock; the rare deadlock
//! that remains (the same event under two issues) is a lost race, and the batch is tried again.
//!
//! **Repeats.** Within a day the primary key of `events` tells. Across days a look-up does: back to the day the event happened by its own
//! clock (it cannot have been sent before), at most [`DAYS_BACK`]; and forward to today, for records that waited while others came. Such a
//! batch excludes all others for its transaction, so that two processes cannot look past each other; one with reports of people does too,
//! so that a report and its event, written side by side, find each other.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::outcomes::{Outcomes, OwnReasons};
use super::prepare::{Prepared, PreparedEvent};
use super::{attachments, feedback, noise};
use crate::accounts::{IssueId, ProjectId};
use crate::events::fresh::Fresh;
use crate::events::intake::{self as events, Counts};
use crate::events::pairs::{self, SeenPairs};
use crate::events::payload;
use crate::events::tag_intake::{self, SeenTags};
use crate::issues::facts::{Appeared, ISSUE_APPEARED, ISSUE_REGRESSED, Regressed};
use crate::issues::intake::{self as issues, Arrivals, Happened, Latest, NewIssue};
use crate::issues::model::{IssueState, Status, on_event};
use crate::issues::snoozes::{self, Came};
use crate::issues::texts;
use crate::platform::db::AdvisoryLock;
use crate::platform::outbox;
use crate::projects;
use crate::protocol::outcome::Managed;
use crate::protocol::{InvalidReason, Outcome};

/// How many days before the day of receipt a repeat is looked for.
pub(super) const DAYS_BACK: u64 = 7;
/// How far a client's clock may be ahead before a repeat of its event across midnight counts twice.
const CLOCK_SLACK: TimeDelta = TimeDelta::hours(1);

type Key = (ProjectId, Uuid);

fn key(event: &PreparedEvent) -> Key {
    (event.row.project, event.row.event_id)
}

/// Writes `batch` in the caller's transaction; the events that are new. The others were stored before.
pub(super) async fn write(
    db: &mut PgConnection,
    batch: &[Prepared],
    reasons: &OwnReasons,
    now: DateTime<Utc>,
) -> anyhow::Result<HashSet<Key>> {
    let mut seen = HashSet::new();
    let all = || batch.iter().flat_map(|record| &record.events).filter_map(Managed::get);
    let mut unique: Vec<&PreparedEvent> = all().filter(|event| seen.insert(key(event))).collect();
    let look_ups = look_ups(&unique, now.date_naive());
    if look_ups.is_empty() && !attachments::has_lone(batch) && !feedback::has_reports(batch) {
        sqlx::query!("select pg_advisory_xact_lock_shared($1)", AdvisoryLock::Digest.number()).fetch_one(&mut *db).await?;
    } else {
        sqlx::query!("select pg_advisory_xact_lock($1)", AdvisoryLock::Digest.number()).fetch_one(&mut *db).await?;
        let repeats: HashSet<Key> = events::stored_on_days(db, &look_ups).await?.into_iter().collect();
        unique.retain(|event| !repeats.contains(&key(event)));
    }
    let mut writer = Writer {
        db,
        now,
        issue_of: HashMap::new(),
        users: HashMap::new(),
        attached: BTreeSet::new(),
        new: BTreeMap::new(),
        homeless: HashSet::new(),
    };
    let unique = writer.settle(unique).await?;
    let inserted = writer.insert(&unique).await?;
    writer.count(&unique, &inserted).await?;
    let new: Vec<_> = unique.iter().filter(|event| inserted.contains(&key(event))).collect();
    let new: Vec<_> = new.into_iter().filter_map(|event| Some((event.row.project, event.row.event_id, writer.issue(event)?))).collect();
    let homeless = writer.homeless;
    let mut outcomes = Outcomes::new(reasons);
    feedback::write(writer.db, batch, &new, &mut outcomes, now).await?;
    let (mut first, mut files) = (inserted.clone(), Vec::new());
    for record in batch {
        record.ended.iter().for_each(|entry| outcomes.add(entry));
        record.taken_back.iter().for_each(|entry| outcomes.take_back(entry));
        let mut fate = Outcome::Stored;
        for event in &record.events {
            let outcome = match event.get().map(key) {
                Some(key) if first.remove(&key) => Outcome::Stored,
                Some(key) if homeless.contains(&key) => Outcome::Invalid(InvalidReason::ProjectState),
                _ => Outcome::Duplicate,
            };
            outcomes.add_item(event, &outcome);
            fate = outcome;
        }
        if fate == Outcome::Stored {
            files.extend(&record.attachments);
        } else {
            record.attachments.iter().for_each(|file| outcomes.add_item(file, &fate));
        }
    }
    attachments::write(writer.db, &files, &mut outcomes, now.date_naive()).await?;
    outcomes.write(writer.db).await?;
    Ok(inserted)
}

/// The other days on which a repeat of these events may lie.
fn look_ups(events: &[&PreparedEvent], today: NaiveDate) -> Vec<(ProjectId, Uuid, NaiveDate, NaiveDate)> {
    let days = |event: &&PreparedEvent| {
        let day = event.row.day;
        let happened = (event.sent_first - CLOCK_SLACK).date_naive().max(day - Days::new(DAYS_BACK));
        let (from, to) = (happened.min(day), today.max(day).min(day + Days::new(DAYS_BACK)));
        (from < day || day < to).then_some((event.row.project, event.row.event_id, from, to))
    };
    events.iter().filter_map(days).collect()
}

fn user(event: &PreparedEvent) -> Option<(ProjectId, Uuid)> {
    event.summary.user.map(|user| (event.row.project, user))
}

struct Writer<'c> {
    db: &'c mut PgConnection,
    now: DateTime<Utc>,
    issue_of: HashMap<(ProjectId, Uuid), IssueId>,
    users: HashMap<(ProjectId, Uuid), i64>,
    /// Hashes that lead to an issue since this batch.
    attached: BTreeSet<(ProjectId, Uuid, IssueId)>,
    /// Issues made by this batch, with the event that made each.
    new: BTreeMap<IssueId, Uuid>,
    /// Events of projects that were deleted after they were prepared.
    homeless: HashSet<Key>,
}

impl Writer<'_> {
    /// Finds or makes the issue of every event and the number of every user; the events that remain once repeats are known.
    async fn settle<'e>(&mut self, mut events: Vec<&'e PreparedEvent>) -> anyhow::Result<Vec<&'e PreparedEvent>> {
        self.find_issues(&events).await?;
        self.find_users(&events).await?;
        // One whose issue only earlier hashes know brings its own: under the lock, as a new issue does.
        let is_unknown = |w: &Self, e: &PreparedEvent| !e.hashes.iter().any(|hash| w.issue_of.contains_key(&(e.row.project, *hash)));
        let is_missing = |w: &Self, e: &PreparedEvent| is_unknown(w, e) || user(e).is_some_and(|user| !w.users.contains_key(&user));
        let projects: BTreeSet<i32> = events.iter().filter(|event| is_missing(self, event)).map(|event| event.row.project.0).collect();
        if !projects.is_empty() {
            let projects: Vec<i32> = projects.into_iter().collect();
            let mut numbers = projects::lock_numbers(self.db, &projects).await?;
            // Whoever held the lock before may have made what was missing.
            self.find_issues(&events).await?;
            self.find_users(&events).await?;
            let unplaced: Vec<_> = events.iter().filter(|event| self.issue(event).is_none()).collect();
            let days = |event: &&&PreparedEvent| (event.row.project, event.row.event_id, event.row.day, event.row.day);
            let repeats: HashSet<Key> =
                events::stored_on_days(self.db, &unplaced.iter().map(days).collect::<Vec<_>>()).await?.into_iter().collect();
            events.retain(|event| !repeats.contains(&key(event)));
            self.number_users(&events, &mut numbers).await?;
            self.make_issues(&events, &mut numbers).await?;
            projects::store_numbers(self.db, &numbers, self.now).await?;
        }
        self.add_hashes(&events).await?;
        // An event of a project that was deleted meanwhile has no issue: its row would belong to nobody.
        let (events, homeless): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| self.issue(event).is_some());
        self.homeless.extend(homeless.into_iter().map(key));
        Ok(events)
    }

    fn issue(&self, event: &PreparedEvent) -> Option<IssueId> {
        event.hashes.iter().chain(&event.earlier_hashes).find_map(|hash| self.issue_of.get(&(event.row.project, *hash)).copied())
    }

    async fn find_issues(&mut self, events: &[&PreparedEvent]) -> sqlx::Result<()> {
        let wanted: BTreeSet<_> =
            events.iter().flat_map(|e| e.hashes.iter().chain(&e.earlier_hashes).map(|hash| (e.row.project, *hash))).collect();
        let wanted: Vec<_> = wanted.into_iter().filter(|key| !self.issue_of.contains_key(key)).collect();
        if !wanted.is_empty() {
            let (projects, hashes): (Vec<i32>, Vec<Uuid>) = wanted.into_iter().map(|(project, hash)| (project.0, hash)).unzip();
            let found = issues::find_hashes(self.db, &projects, &hashes).await?;
            self.issue_of.extend(found.into_iter().map(|(project, hash, issue)| ((project, hash), issue)));
        }
        Ok(())
    }

    async fn find_users(&mut self, events: &[&PreparedEvent]) -> sqlx::Result<()> {
        let wanted: BTreeSet<_> = events.iter().filter_map(|event| user(event)).collect();
        let wanted: Vec<_> = wanted.into_iter().filter(|user| !self.users.contains_key(user)).collect();
        if !wanted.is_empty() {
            let found = events::user_numbers(self.db, &wanted).await?;
            self.users.extend(found.into_iter().map(|(project, user, number)| ((project, user), number)));
        }
        Ok(())
    }

    async fn number_users(&mut self, events: &[&PreparedEvent], numbers: &mut projects::Numbers) -> sqlx::Result<()> {
        let missing: BTreeSet<_> = events.iter().filter_map(|e| user(e)).filter(|user| !self.users.contains_key(user)).collect();
        let new: Vec<_> = missing.into_iter().filter_map(|(p, user)| Some((p, user, numbers.next_user(p)?))).collect();
        if !new.is_empty() {
            events::add_users(self.db, &new).await?;
            self.users.extend(new.into_iter().map(|(project, user, number)| ((project, user), number)));
        }
        Ok(())
    }

    async fn make_issues(&mut self, events: &[&PreparedEvent], numbers: &mut projects::Numbers) -> sqlx::Result<()> {
        let (mut new, mut found_by) = (Vec::new(), Vec::new());
        for event in events {
            if let Some(issue) = self.issue(event) {
                self.attach(event, issue);
                continue;
            }
            let Some(number) = numbers.next_issue(event.row.project) else { continue };
            let id = IssueId::new(event.row.project, number);
            self.attach(event, id);
            self.new.insert(id, event.row.event_id);
            // New issues are rare enough for their payload to be opened again.
            let opened = payload::decode(&event.row.payload).unwrap_or_default();
            found_by.push((id, texts::of(&event.title, &event.culprit, &opened)));
            new.push(NewIssue {
                id,
                level: event.summary.level,
                title: event.title.clone(),
                culprit: event.culprit.clone(),
                kind: event.kind,
                platform: event.summary.platform.clone(),
                release: event.summary.release.clone(),
                seen: event.row.received,
            });
        }
        if new.is_empty() {
            return Ok(());
        }
        issues::insert(self.db, &new, self.now).await?;
        texts::add(self.db, &found_by).await
    }

    /// Every hash of an event leads to its issue from now on.
    async fn add_hashes(&mut self, events: &[&PreparedEvent]) -> sqlx::Result<()> {
        for event in events {
            if let Some(issue) = self.issue(event) {
                self.attach(event, issue);
            }
        }
        let attached: Vec<_> = std::mem::take(&mut self.attached).into_iter().collect();
        if attached.is_empty() { Ok(()) } else { issues::add_hashes(self.db, &attached).await }
    }

    /// What no issue owns of an event's hashes is its issue's: the next event of the batch finds it there, as it would in the next batch.
    fn attach(&mut self, event: &PreparedEvent, issue: IssueId) {
        let project = event.row.project;
        for hash in &event.hashes {
            if let Entry::Vacant(vacant) = self.issue_of.entry((project, *hash)) {
                vacant.insert(issue);
                self.attached.insert((project, *hash, issue));
            }
        }
    }

    async fn insert(&mut self, events: &[&PreparedEvent]) -> sqlx::Result<HashSet<Key>> {
        let rows: Vec<_> = events.iter().filter_map(|event| Some((&event.row, self.issue(event)?))).collect();
        if rows.is_empty() {
            return Ok(HashSet::new());
        }
        Ok(events::insert(self.db, &rows).await?.into_iter().collect())
    }

    /// Counts what was inserted: issues, users, tags, times.
    async fn count(&mut self, events: &[&PreparedEvent], inserted: &HashSet<Key>) -> anyhow::Result<()> {
        let mut by_issue = BTreeMap::<IssueId, Vec<&PreparedEvent>>::new();
        for event in events.iter().filter(|event| inserted.contains(&key(event))) {
            by_issue.entry(self.issue(event).unwrap_or(IssueId(0))).or_default().push(event);
        }
        if by_issue.is_empty() {
            return Ok(());
        }
        let ids: Vec<IssueId> = by_issue.keys().copied().collect();
        let states: BTreeMap<IssueId, IssueState> = issues::lock(self.db, &ids).await?.into_iter().collect();
        let (mut counts, mut tags, mut users) = (Counts::default(), SeenTags::new(), BTreeMap::<IssueId, Vec<i64>>::new());
        let (mut fresh, mut seen) = (Fresh::default(), SeenPairs::new());
        for (issue, events) in &by_issue {
            for event in events {
                counts.add(*issue, event.row.received, event.row.hash);
                fresh.add(*issue, event.happened, event.row.received);
                pairs::add(&mut seen, (*issue, event.row.day), &event.pairs);
                for (key, value) in &event.summary.tags {
                    *tags.entry((*issue, key.as_str())).or_default().entry(value.as_str()).or_default() += 1;
                }
                users.entry(*issue).or_default().extend(user(event).and_then(|user| self.users.get(&user)));
            }
        }
        counts.write(self.db).await?;
        fresh.write(self.db).await?;
        pairs::see(self.db, &seen).await?;
        let environments = tag_intake::see_tags(self.db, tags).await?;
        let new_users = events::see_users(self.db, &users).await?;
        issues::add_environments(self.db, &environments).await?;
        self.arrive(&by_issue, &states, &new_users).await
    }

    async fn arrive(
        &mut self,
        by_issue: &BTreeMap<IssueId, Vec<&PreparedEvent>>,
        states: &BTreeMap<IssueId, IssueState>,
        new_users: &BTreeMap<IssueId, i64>,
    ) -> anyhow::Result<()> {
        let (mut arrivals, mut happened, mut ignored) = (Vec::with_capacity(by_issue.len()), Vec::new(), Vec::new());
        let quiet = noise::count(self.db, by_issue, &self.new, self.now).await?;
        for (issue, events) in by_issue {
            let (Some(first), Some(last)) = (events.iter().min_by_key(|e| e.row.received), events.iter().max_by_key(|e| e.row.received))
            else {
                continue;
            };
            let state = states.get(issue);
            let mut released: Vec<_> = events.iter().filter(|event| !event.summary.release.is_empty()).collect();
            released.sort_by_key(|event| event.row.received);
            let release = |event: Option<&&&PreparedEvent>| event.map(|event| event.summary.release.clone()).unwrap_or_default();
            let back =
                state.and_then(|state| events.iter().find_map(|e| on_event(state, e.row.received, &e.summary.release).map(|r| (*e, r))));
            if let Some(event) = self.new.get(issue) {
                if !quiet.contains(issue) {
                    outbox::enqueue(self.db, ISSUE_APPEARED, &Appeared { issue: *issue, event: *event }, self.now).await?;
                }
                happened.push(Happened { issue: *issue, kind: "appeared", detail: first.summary.release.clone(), at: first.row.received });
            }
            if let Some((event, _)) = &back {
                let (release, event_id) = (event.summary.release.clone(), event.row.event_id);
                let resolved_by = state.and_then(|state| state.status_changed_by);
                let fact = Regressed { issue: *issue, event: event_id, release: release.clone(), resolved_by };
                outbox::enqueue(self.db, ISSUE_REGRESSED, &fact, self.now).await?;
                happened.push(Happened { issue: *issue, kind: "regressed", detail: release, at: event.row.received });
            }
            let (count, users) = (events.len() as i64, new_users.get(issue).copied().unwrap_or(0));
            if state.is_some_and(|state| state.status == Status::Ignored) {
                ignored.push(Came { issue: *issue, events: count, users, newest: last.row.event_id });
            }
            arrivals.push(Arrivals {
                id: *issue,
                events: count,
                users,
                first_seen: first.row.received,
                last_seen: last.row.received,
                latest: Latest { level: last.summary.level, title: last.title.clone(), culprit: last.culprit.clone() },
                releases: (release(released.first()), release(released.last())),
                regressed: back.map(|(event, _)| (event.row.received, event.summary.release.clone())),
            });
        }
        issues::arrive(self.db, &arrivals).await?;
        if !happened.is_empty() {
            issues::add_activity(self.db, &happened).await?;
        }
        if !ignored.is_empty() {
            snoozes::count(self.db, &ignored, self.now).await?;
        }
        Ok(())
    }
}
