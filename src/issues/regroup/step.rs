//! One batch of one correction, in the caller's transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Kind, Regrouping, State};
use super::plan::{decide, touched};
use super::queries::{self, Touched};
use super::scan::{self, Regrouped};
use super::{act, kept, settle};
use crate::accounts::IssueId;
use crate::events::moving::{self as events, Bitmaps, Leaving, Looked};
use crate::feedback::moving as feedback;
use crate::grouping::Config;
use crate::issues::intake::{self, Arrivals};
use crate::issues::moving::{self as issues, IssueHash};
use crate::projects;

/// Events grouped in one transaction that only counts.
const PLANNED: i64 = 1_000;
/// Events moved in one transaction: their issues are locked meanwhile, and ingest's batches wait.
const MOVED: i64 = 500;
/// Rows led to another issue in one transaction.
const HANDED: i64 = 2_000;
/// Rules that were made ready for a batch: the next one has the same, mostly.
pub(super) type Compiled = (Value, Config);

/// Whoever works on it.
pub(super) struct Worker<'c> {
    pub(super) db: &'c mut PgConnection,
    pub(super) run: &'c mut Regrouping,
    pub(super) now: DateTime<Utc>,
    pub(super) compiled: &'c mut Option<Compiled>,
}

impl Worker<'_> {
    /// The next state, when this one has ended.
    pub(super) async fn batch(&mut self) -> anyhow::Result<Option<State>> {
        match (self.run.state, self.run.kind) {
            (State::Planning, _) => self.plan().await,
            (State::Moving, Kind::Merge) | (State::Undoing, Kind::Split) => self.hand_over().await,
            (State::Moving, Kind::Split) | (State::Undoing, Kind::Merge) => self.follow().await,
            (State::Moving, Kind::Rules) => self.regroup().await,
            (State::Undoing, Kind::Rules) => self.go_back().await,
            (State::Settling | State::Unsettling, _) => self.settle().await,
            _ => Ok(Some(State::Done)),
        }
    }

    /// The rules that are applied; elsewhere those of today, which name issues.
    async fn config(&mut self) -> anyhow::Result<Config> {
        let is_applied = self.run.kind == Kind::Rules;
        let rules = if is_applied {
            self.run.rules.clone()
        } else {
            projects::grouping_rules(self.db, self.run.project).await?.unwrap_or_else(|| json!({}))
        };
        if let Some((known, config)) = self.compiled.as_ref()
            && *known == rules
        {
            return Ok(config.clone());
        }
        let config = match scan::config(&rules) {
            Err(_) if !is_applied => Config::standard(),
            config => config?,
        };
        *self.compiled = Some((rules, config.clone()));
        Ok(config)
    }

    /// Where hashes lead, of those that lead somewhere.
    async fn owners(&mut self, hashes: &[Uuid]) -> sqlx::Result<HashMap<Uuid, IssueId>> {
        let owners = issues::owners(self.db, self.run.project, hashes).await?;
        Ok(owners.into_iter().map(|owner| (owner.hash, owner.issue)).collect())
    }

    async fn read(&mut self, limit: i64) -> anyhow::Result<Vec<(Looked, Option<Regrouped>)>> {
        let events = scan::next(self.db, (self.run.project, self.run.issue), (self.run.cursor, self.run.until), limit).await?;
        self.look(events).await
    }

    /// Groups events again, and keeps the place behind them.
    async fn look(&mut self, events: Vec<Looked>) -> anyhow::Result<Vec<(Looked, Option<Regrouped>)>> {
        self.run.cursor = scan::end_of(&events).or(self.run.cursor);
        self.run.looked_at += events.len() as i64;
        let config = self.config().await?;
        scan::regroup(events, config).await
    }

    async fn plan(&mut self) -> anyhow::Result<Option<State>> {
        let events = self.read(PLANNED).await?;
        if events.is_empty() {
            self.decide().await?;
            return Ok(Some(State::Moving));
        }
        queries::add_parts(self.db, self.run, &scan::parts(events)).await?;
        Ok(None)
    }

    /// Leads all hashes to the issues that the plan chose, while digest waits.
    async fn decide(&mut self) -> anyhow::Result<()> {
        let (project, key) = (self.run.project, (self.run.project, self.run.id));
        act::exclude_digest(self.db).await?;
        let parts = queries::parts(self.db, self.run).await?;
        let owners = scan::owners(self.db, (project, self.run.issue), &parts).await?;
        let groups = decide(&parts, &owners);
        let mut numbers = projects::lock_numbers(self.db, &[project.0]).await?;
        let sources = touched(&parts, &groups, &owners);
        if !sources.is_empty() {
            queries::confirm_earlier(self.db, project).await?;
        }
        let before = issues::locked(self.db, project, &sources).await?;
        act::note(self.db, key, before, false).await?;
        let (mut led, mut old) = (Vec::new(), Vec::new());
        for group in &groups {
            let Some(part) = group.parts.iter().map(|index| &parts[*index]).max_by_key(|part| part.events) else { continue };
            let mut heir = group.heir;
            if heir.is_none() {
                let made = IssueId::new(project, numbers.next_issue(project).context("the project is gone")?);
                self.make((made, &part.title), part.issue).await?;
                heir = Some(made);
            }
            let Some(heir) = heir else { continue };
            for hash in group.hashes.iter().filter(|hash| owners.get(hash).is_none_or(|owner| owner.issue != heir)) {
                let before = owners.get(hash).map(|owner| IssueHash { hash: *hash, issue: owner.issue, decided: owner.decided });
                old.push((*hash, before));
                led.push(IssueHash { hash: *hash, issue: heir, decided: owners.get(hash).is_some_and(|owner| owner.decided) });
            }
        }
        queries::note_hashes(self.db, key, &old).await?;
        issues::lead(self.db, project, &led).await?;
        projects::store_numbers(self.db, &numbers, self.now).await?;
        Ok(())
    }

    /// Makes a new issue in the likeness of the one its events come from.
    async fn make(&mut self, (made, title): (IssueId, &str), like: IssueId) -> anyhow::Result<()> {
        issues::make_like(self.db, (made, title), like, self.now).await?;
        let before = issues::locked(self.db, self.run.project, &[made]).await?;
        act::note(self.db, (self.run.project, self.run.id), before, true).await?;
        issues::tell(self.db, &[made], ("regrouped", ""), None, self.now).await?;
        Ok(())
    }

    /// Rules: every event to the issue of its hashes.
    async fn regroup(&mut self) -> anyhow::Result<Option<State>> {
        let events = self.read(MOVED).await?;
        if events.is_empty() {
            return Ok(Some(State::Settling));
        }
        let hashes: BTreeSet<Uuid> = events.iter().filter_map(|(_, r)| r.as_ref()).flat_map(|r| r.hashes.iter().copied()).collect();
        let owners = self.owners(&hashes.into_iter().collect::<Vec<_>>()).await?;
        let mut leaving = Vec::new();
        for (looked, regrouped) in &events {
            let Some(regrouped) = regrouped else { continue };
            let Some(to) = regrouped.hashes.iter().find_map(|hash| owners.get(hash)) else { continue };
            let hash = regrouped.hashes[0];
            if *to != looked.issue || hash != looked.hash {
                let before = Some((looked.hash, self.run.id));
                leaving.push((Leaving { event: looked, to: *to, hash, before, summary: &regrouped.summary }, regrouped));
            }
        }
        self.relocate(leaving).await?;
        Ok(None)
    }

    /// Rules undone: every moved event to the issue of the hash it had.
    async fn go_back(&mut self) -> anyhow::Result<Option<State>> {
        // Wherever they are now: those of one issue, too, have gone to others.
        let events = events::next_moved(self.db, (self.run.project, self.run.id), self.run.cursor, MOVED).await?;
        if events.is_empty() {
            return Ok(Some(State::Unsettling));
        }
        let events = self.look(events).await?;
        let hashes: BTreeSet<Uuid> = events.iter().filter_map(|(looked, _)| looked.before).collect();
        let owners = self.owners(&hashes.into_iter().collect::<Vec<_>>()).await?;
        let mut leaving = Vec::new();
        for (looked, regrouped) in &events {
            let (Some(regrouped), Some(hash)) = (regrouped, looked.before) else { continue };
            let to = owners.get(&hash).copied().unwrap_or(looked.issue);
            leaving.push((Leaving { event: looked, to, hash, before: None, summary: &regrouped.summary }, regrouped));
        }
        self.relocate(leaving).await?;
        Ok(None)
    }

    /// Split, and merge undone: the events of some hashes to where these lead now.
    async fn follow(&mut self) -> anyhow::Result<Option<State>> {
        let is_undone = self.run.state == State::Undoing;
        let end = if is_undone { State::Unsettling } else { State::Settling };
        let from = if is_undone { act::holder(self.db, self.run, None).await? } else { self.run.issue };
        let Some(from) = from else { return Ok(Some(end)) };
        let hashes: Vec<Uuid> = queries::hashes_before(self.db, self.run).await?.into_iter().map(|hash| hash.hash).collect();
        let mut owners = self.owners(&hashes).await?;
        owners.retain(|_, issue| *issue != from);
        let hashes: Vec<Uuid> = owners.keys().copied().collect();
        let events = events::next_of_issue(self.db, (from, Some(&hashes)), (self.run.cursor, None), MOVED).await?;
        if events.is_empty() {
            // What is counted in hours and not stored goes as a number.
            for (hash, to) in &owners {
                let moved = events::move_hours(self.db, (from, &[*hash]), *to).await?;
                issues::add_events(self.db, &[(from, -moved), (*to, moved)]).await?;
            }
            return Ok(Some(end));
        }
        let events = self.look(events).await?;
        let mut leaving = Vec::new();
        for (looked, regrouped) in &events {
            let (Some(regrouped), Some(to)) = (regrouped, owners.get(&looked.hash)) else { continue };
            leaving.push((
                Leaving {
                    event: looked,
                    to: *to,
                    hash: looked.hash,
                    before: looked.before.zip(looked.moved_by),
                    summary: &regrouped.summary,
                },
                regrouped,
            ));
        }
        self.relocate(leaving).await?;
        Ok(None)
    }

    /// Merge, and split undone: the rows of issues whose counts have been added already.
    async fn hand_over(&mut self) -> anyhow::Result<Option<State>> {
        for touched in queries::touched(self.db, self.run).await? {
            let from = touched.before.issue;
            let Some(into) = issues::merged_into(self.db, from).await? else { continue };
            let moved = events::hand_over(self.db, from, into, HANDED).await?;
            self.run.moved += moved as i64;
            if moved > 0 {
                return Ok(None);
            }
        }
        Ok(Some(if self.run.state == State::Undoing { State::Unsettling } else { State::Settling }))
    }

    /// Moves events with all that is counted of them.
    async fn relocate(&mut self, leaving: Vec<(Leaving<'_>, &Regrouped)>) -> anyhow::Result<()> {
        if leaving.is_empty() {
            return Ok(());
        }
        if self.run.state == State::Moving && self.run.kind == Kind::Rules {
            queries::confirm_earlier(self.db, self.run.project).await?;
        }
        let ids: BTreeSet<IssueId> = leaving.iter().flat_map(|(l, _)| [l.event.issue, l.to]).collect();
        let ids: Vec<IssueId> = ids.into_iter().collect();
        let there = issues::locked(self.db, self.run.project, &ids).await?;
        queries::note_issues(
            self.db,
            (self.run.project, self.run.id),
            &there.into_iter().map(|before| (before, 0)).collect::<Vec<_>>(),
            false,
        )
        .await?;
        let (moves, names): (Vec<Leaving<'_>>, Vec<&Regrouped>) = leaving.into_iter().unzip();
        let relocated = events::relocate(self.db, &moves, scan::first_minute(self.now)).await?;
        intake::add_environments(self.db, &relocated.environments).await?;
        let elsewhere: Vec<_> = moves.iter().zip(names).filter(|(l, _)| l.to != l.event.issue).collect();
        feedback::follow(self.db, &elsewhere.iter().map(|(l, _)| (l.event.event_id, l.to)).collect::<Vec<_>>()).await?;
        let (mut lost, mut gained) = (BTreeMap::<IssueId, i64>::new(), BTreeMap::<IssueId, Vec<(&Leaving<'_>, &Regrouped)>>::new());
        for (l, name) in &elsewhere {
            *lost.entry(l.event.issue).or_default() -= 1;
            gained.entry(l.to).or_default().push((l, name));
        }
        issues::add_events(self.db, &lost.iter().map(|(issue, events)| (*issue, *events)).collect::<Vec<_>>()).await?;
        let arrivals: Vec<Arrivals> = gained
            .iter()
            .filter_map(|(issue, events)| scan::arrivals(*issue, events, relocated.new_users.get(issue).copied().unwrap_or(0)))
            .collect();
        intake::arrive(self.db, &arrivals).await?;
        for (issue, users) in &relocated.left {
            let mut bits = Bitmaps::new();
            events::mark(&mut bits, users.iter().copied());
            kept::keep_users(self.db, self.run, (*issue, "left"), &bits).await?;
        }
        queries::mark(self.db, self.run, &lost.keys().copied().collect::<Vec<_>>(), (true, false)).await?;
        self.run.moved += elsewhere.len() as i64;
        Ok(())
    }

    /// One step for one issue that lost events.
    async fn settle(&mut self) -> anyhow::Result<Option<State>> {
        let is_undone = self.run.state == State::Unsettling;
        let touched = queries::touched(self.db, self.run).await?;
        if let Some(touched) = touched.iter().find(|touched| touched.lost_events) {
            let issue = touched.before.issue;
            if !touched.users_taken && settle::is_empty(self.db, issue).await? && self.end_empty(touched).await? {
                queries::mark(self.db, self.run, &[issue], (false, false)).await?;
                return Ok(None);
            }
            let config = self.config().await?;
            settle::settle(self.db, self.run, touched, &config).await?;
            return Ok(None);
        }
        if self.run.kind == Kind::Rules && !is_undone && self.run.moved > 0 {
            let moved: Vec<IssueId> = touched.iter().filter(|touched| !touched.is_made).map(|touched| touched.before.issue).collect();
            issues::tell(self.db, &moved, ("regrouped", ""), None, self.now).await?;
        }
        if is_undone && self.run.kind == Kind::Rules {
            queries::release(self.db, self.run).await?;
        }
        Ok(Some(if is_undone { State::Undone } else { State::Done }))
    }

    /// Nothing of the issue is left: what remains of it goes to where its events went. Whether there is such a place.
    async fn end_empty(&mut self, touched: &Touched) -> anyhow::Result<bool> {
        let issue = touched.before.issue;
        let mut parts = queries::parts(self.db, self.run).await?;
        parts.sort_by_key(|part| std::cmp::Reverse(part.events));
        let hashes: Vec<Uuid> = if touched.is_made {
            issues::hashes_of(self.db, self.run.project, &[issue]).await?.into_iter().map(|hash| hash.hash).collect()
        } else {
            // An issue that new events made after the plan was begun has no part in it.
            let led = queries::hashes_before(self.db, self.run).await?.into_iter().filter(|hash| hash.issue == issue).map(|hash| hash.hash);
            parts.iter().filter(|part| part.issue == issue).flat_map(|part| part.hashes.clone()).chain(led).collect()
        };
        let owners = self.owners(&hashes).await?;
        let named = hashes.iter().find_map(|hash| owners.get(hash).copied().filter(|owner| *owner != issue));
        // A new issue that is undone: its events came from the issue with the largest part under its hashes.
        let source =
            parts.iter().find(|part| touched.is_made && part.hashes.iter().any(|hash| hashes.contains(hash))).map(|part| part.issue);
        let Some(into) = named.or(source).filter(|into| *into != issue) else { return Ok(false) };
        let into = issues::merged_into(self.db, into).await?.unwrap_or(into);
        let mut both = [issue, into];
        both.sort_unstable();
        act::exclude_digest(self.db).await?;
        if issues::locked(self.db, self.run.project, &both).await?.iter().any(|before| before.status == "merged") {
            return Ok(false);
        }
        let hashes = issues::hashes_of(self.db, self.run.project, &[issue]).await?;
        let noted: Vec<_> = hashes.into_iter().map(|hash| (hash.hash, Some(hash))).collect();
        queries::note_hashes(self.db, (self.run.project, self.run.id), &noted).await?;
        settle::forget_left(self.db, self.run, touched).await?;
        act::take_in(self.db, issue, into).await?;
        Ok(true)
    }
}
