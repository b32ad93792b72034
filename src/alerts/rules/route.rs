//! Who is told of a fact: what the pure part needs to know, and its answer. Facts that happen and facts of the past come by the same way.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::decide::{self, Routed, Verdict};
use super::kinds::FactKind;
use super::model::{Circumstances, Seen};
use super::queries;
use crate::accounts::{IssueId, ProjectId};
use crate::alerts::gather::Addressee;
use crate::events::summary::Summary;
use crate::events::{Trail, Which, payload};
use crate::issues::model::Level;
use crate::issues::moving;

/// Characters of a message that rules look at.
const MESSAGE: usize = 2_000;

/// A fact, and when.
#[derive(Debug, Clone, Copy)]
pub(in crate::alerts) struct Happened<'a> {
    pub(in crate::alerts) project: ProjectId,
    /// As rows say it.
    pub(in crate::alerts) kind: &'a str,
    pub(in crate::alerts) issue: Option<IssueId>,
    pub(in crate::alerts) event: Option<Uuid>,
    pub(in crate::alerts) at: DateTime<Utc>,
    /// Events and users of the issue by then, where they are written down; otherwise they are counted now.
    pub(in crate::alerts) counted: (Option<i64>, Option<i64>),
}

/// Who of these is told, by which rule, and why the others are not.
pub(in crate::alerts) async fn route(db: &mut PgConnection, fact: &Happened<'_>, recipients: Vec<Addressee>) -> anyhow::Result<Routed> {
    let choices = queries::choices(db, fact.project).await?;
    let circumstances = circumstances(db, fact, choices.asks()).await?;
    let verdict = choices.verdict(&circumstances, fact.at);
    let last = last_told(db, fact, verdict).await?;
    Ok(decide::routed(verdict, (circumstances.kind, choices.otherwise), recipients, (last, fact.at)))
}

/// When the rule last told of the issue, for rules that do so once in a while. The end of a spike belongs to its spike.
async fn last_told(db: &mut PgConnection, fact: &Happened<'_>, verdict: Verdict<'_>) -> sqlx::Result<Option<DateTime<Utc>>> {
    match (verdict, fact.issue) {
        (Verdict::By(rule), Some(issue)) if rule.definition.minutes > 0 && fact.kind != FactKind::SpikeOver.name() => {
            queries::lock(db, fact.project, rule.id).await?;
            queries::last_told(db, issue, rule.id).await
        }
        _ => Ok(None),
    }
}

/// The fact as rules see it: only as much is read as they ask for.
pub(super) async fn circumstances(
    db: &mut PgConnection,
    fact: &Happened<'_>,
    (asks_for_issue, asks_for_event): (bool, bool),
) -> anyhow::Result<Circumstances> {
    let kind = FactKind::named(fact.kind);
    let Some(issue) = fact.issue.filter(|_| asks_for_issue) else { return Ok(Circumstances { kind, issue: None }) };
    // It may have been merged since.
    let issue = moving::merged_into(db, issue).await?.unwrap_or(issue);
    let Some(row) = queries::issue(db, issue).await? else { return Ok(Circumstances { kind, issue: None }) };
    let mut seen = Seen {
        level: Level::parse(&row.level).unwrap_or(Level::Error),
        environment: String::new(),
        release: row.release,
        tags: Vec::new(),
        title: row.title,
        message: String::new(),
        events: fact.counted.0.unwrap_or(row.events),
        users: fact.counted.1.unwrap_or(row.users),
        age: (fact.at - row.first_seen).num_minutes().max(0),
    };
    if asks_for_event && let Some(event) = event(db, issue, fact.event).await? {
        let summary = Summary::of(&event);
        seen.level = Level::parse(summary.level).unwrap_or(seen.level);
        seen.message = message(&event);
        (seen.environment, seen.release, seen.tags) = (summary.environment, summary.release, summary.tags);
    }
    Ok(Circumstances { kind, issue: Some(seen) })
}

/// The fact's event, or the newest; nothing when its payload is gone or broken.
async fn event(db: &mut PgConnection, issue: IssueId, event: Option<Uuid>) -> anyhow::Result<Option<Value>> {
    let stored = Trail::of(db, issue).await?.find(db, event.map_or(Which::Latest, Which::Id)).await?;
    Ok(stored.and_then(|stored| payload::decode(&stored.payload).ok()))
}

/// The log message, or what the exception that was raised last says.
fn message(event: &Value) -> String {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    let exception = || event.pointer("/exception/values")?.as_array()?.last()?.get("value")?.as_str();
    let message = text("/logentry/formatted").or_else(|| text("/logentry/message")).or_else(exception).unwrap_or_default();
    message.chars().take(MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_message_is_the_logs_or_the_last_exceptions() {
        let values = json!([{"type": "A", "value": "cause"}, {"type": "B", "value": "effect"}]);
        for (event, said) in [
            (json!({"logentry": {"formatted": "user 7", "message": "user %d"}}), "user 7"),
            (json!({"logentry": {"message": "user %d"}, "exception": {"values": values}}), "user %d"),
            (json!({"exception": {"values": values}}), "effect"),
            (json!({"exception": {"values": []}, "logentry": 7}), ""),
            (json!(null), ""),
        ] {
            assert_eq!(message(&event), said, "{event}");
        }
    }
}
