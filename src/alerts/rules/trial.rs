//! "Test this rule": what it would have done with the facts of the last week, by the way that facts take when they happen.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::decide::{self, Choices, Routed, Verdict};
use super::model::Rule;
use super::queries;
use super::route::{Happened, circumstances};
use crate::accounts::{IssueId, ProjectId};
use crate::alerts::gather;

/// How far it looks back.
pub(super) const DAYS: i64 = 7;
/// Facts that it looks at, the newest.
pub(super) const FACTS: i64 = 500;

/// What a rule would have done.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// Facts that were looked at.
    pub(super) facts: usize,
    /// There are older ones that were not.
    pub(super) is_cut: bool,
    /// Of these, a rule above decided.
    pub(super) taken: usize,
    /// Those that this rule decided, the newest first.
    pub(super) decided: Vec<Decided>,
}

/// A fact that it would have decided.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) kind: String,
    pub(super) issue: Option<IssueId>,
    pub(super) at: DateTime<Utc>,
    pub(super) routed: Routed,
}

/// Tries a rule in the place where it stands, or below all others; mutes, and that it may be off, do not matter.
pub(super) async fn trial(db: &mut PgConnection, project: ProjectId, rule: Rule, now: DateTime<Utc>) -> anyhow::Result<Trial> {
    let mut facts = queries::past(db, project, now - TimeDelta::days(DAYS), FACTS + 1).await?;
    let is_cut = facts.len() as i64 > FACTS;
    facts.truncate(FACTS as usize);
    let recipients = gather::addressees(db, project).await?;
    let (tried, choices) = (rule.id, with(&queries::choices(db, project).await?, queries::rules(db, project).await?, rule));
    let mut trial = Trial { facts: facts.len(), is_cut, ..Trial::default() };
    let mut told: HashMap<IssueId, DateTime<Utc>> = HashMap::new();
    for row in facts.into_iter().rev() {
        let fact =
            Happened { project, kind: &row.kind, issue: row.issue, event: row.event, at: row.noted_at, counted: (row.events, row.users) };
        let seen = circumstances(db, &fact, choices.asks()).await?;
        let verdict = choices.verdict(&seen, row.noted_at);
        match verdict {
            Verdict::By(rule) if rule.id == tried => {
                let last = row.issue.and_then(|issue| told.get(&issue)).copied().filter(|_| row.kind != "spike_over");
                let routed = decide::routed(verdict, (seen.kind, choices.otherwise), recipients.clone(), (last, row.noted_at));
                if let Some(issue) = row.issue.filter(|_| !routed.told.is_empty() && row.kind != "spike_over") {
                    told.insert(issue, row.noted_at);
                }
                trial.decided.push(Decided { kind: row.kind, issue: row.issue, at: row.noted_at, routed });
            }
            // A rule above; was this one meant as well?
            Verdict::By(_) => trial.taken += usize::from(is_meant(&choices, tried, &seen)),
            Verdict::Muted(_) | Verdict::Otherwise => {}
        }
    }
    trial.decided.reverse();
    Ok(trial)
}

fn is_meant(choices: &Choices, tried: i64, seen: &super::model::Circumstances) -> bool {
    choices.rules.iter().any(|rule| rule.id == tried && rule.definition.matches(seen))
}

/// The project's choices with this rule on, in its place, and without a mute.
fn with(choices: &Choices, all: Vec<Rule>, tried: Rule) -> Choices {
    let mut rules: Vec<Rule> = all.into_iter().filter(|rule| rule.is_on || rule.id == tried.id).collect();
    match rules.iter_mut().find(|rule| rule.id == tried.id) {
        Some(place) => *place = tried,
        None => rules.push(tried),
    }
    Choices { rules, mute: None, otherwise: choices.otherwise }
}
