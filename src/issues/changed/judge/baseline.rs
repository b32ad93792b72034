//! What a sample is compared with.

use std::collections::BTreeMap;

use super::{seen, stats};
use crate::events::summary::Summary;
use crate::events::tag_stats::TagValues;

/// Keys in which issues of one project are comparable. Others say where in the program an issue is, in which all differ.
const BETWEEN_ISSUES: [&str; 14] = [
    "release",
    "dist",
    "environment",
    "user",
    "browser",
    "browser.name",
    "os",
    "os.name",
    "device",
    "device.family",
    "runtime",
    "runtime.name",
    "server_name",
    "site",
];

/// With what events are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// All events of the issue before those of the sample.
    Before,
    /// Some of its events before those of the sample.
    Earlier,
    /// Some events of the project's other issues.
    Others,
}

/// Values and counts that a sample is compared with.
#[derive(Debug, Clone)]
pub(in crate::issues::changed) struct Baseline {
    /// What they are of.
    pub(in crate::issues::changed) against: Against,
    /// Per key. Of samples they hold all values.
    tags: BTreeMap<String, TagValues>,
    /// What one event weighs.
    pub(super) weight: f64,
}

impl Baseline {
    /// The issue's statistics without the sample, which they count too.
    pub(in crate::issues::changed) fn before(stats: Vec<(String, TagValues)>, sample: &[Summary]) -> Self {
        let mut tags: BTreeMap<String, TagValues> = stats.into_iter().collect();
        for (key, values) in seen(sample) {
            let Some(known) = tags.get_mut(key) else { continue };
            for (value, events) in values {
                known.remove(value, events.len() as u64);
            }
        }
        let weight = weight_by_user(&tags);
        Self { against: Against::Before, tags, weight }
    }

    /// Events of the same issue before those of the sample.
    pub(in crate::issues::changed) fn earlier(events: &[Summary]) -> Self {
        Self { against: Against::Earlier, tags: count(events), weight: stats::weight(events.iter().map(|summary| summary.user)) }
    }

    /// Events of other issues of the project, each with its issue.
    pub(in crate::issues::changed) fn others(events: &[(i64, Summary)]) -> Self {
        let of: Vec<Summary> = events.iter().map(|(_, summary)| summary.clone()).collect();
        let mut tags = count(&of);
        tags.retain(|key, _| BETWEEN_ISSUES.contains(&key.as_str()));
        Self { against: Against::Others, tags, weight: stats::weight(events.iter().map(|(issue, _)| Some(*issue))) }
    }

    /// Of this key.
    pub(super) fn of(&self, key: &str) -> Option<&TagValues> {
        self.tags.get(key)
    }
}

/// As [`stats::weight`], from statistics: events of users that are not kept count as one user's each.
fn weight_by_user(tags: &BTreeMap<String, TagValues>) -> f64 {
    let all = tags.values().map(|values| values.total).max().unwrap_or_default();
    let users = tags.get("user").map_or(&[][..], |users| &users.values);
    let known = users.iter().fold(0_u64, |known, (_, count)| known.saturating_add(*count));
    stats::weight_of(users.iter().map(|(_, count)| *count), all.saturating_sub(known))
}

fn count(events: &[Summary]) -> BTreeMap<String, TagValues> {
    let counted = seen(events).into_iter().map(|(key, values)| {
        let values: Vec<_> = values.into_iter().map(|(value, events)| (value.to_owned(), events.len() as u64)).collect();
        (key.to_owned(), TagValues { total: values.iter().map(|(_, count)| count).sum(), folded: 0, values })
    });
    counted.collect()
}
