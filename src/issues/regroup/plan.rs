//! # Which issue becomes what
//! **Promise.** From how many stored events of each issue get which hashes, [`decide`] tells which events will be together and which issue they
//! will be; preview, dry run and regrouping all ask it, so they agree. The order of the parts does not matter.
//! **How.** As ingest would, oldest first: an event joins whoever owns the first of its hashes that is owned, and its other hashes follow. Then
//! each issue continues what it owns already, else where most of its events go; of several issues in one group the largest keeps its number.
//! What a person decided is left alone. **Not here.** SQL; events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::accounts::IssueId;

/// Stored events of one issue that get the same hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where they are.
    pub issue: IssueId,
    /// What they get, the primary first.
    pub hashes: Vec<Uuid>,
    /// How many.
    pub events: i64,
    /// When the first came.
    pub first_at: DateTime<Utc>,
    /// One of them.
    pub sample: Uuid,
    /// What it is called.
    pub title: String,
}

/// Who owns a hash now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The issue.
    pub issue: IssueId,
    /// Whether a person decided so.
    pub decided: bool,
}

/// Who owns which hash.
pub type Owners = BTreeMap<Uuid, Owner>;

/// Events that will be one issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The hashes that are to lead to it.
    pub hashes: Vec<Uuid>,
    /// The issue it will be; nothing: a new one.
    pub heir: Option<IssueId>,
    /// Its parts, by index.
    pub parts: Vec<usize>,
    own: Option<IssueId>,
    decided: bool,
}

/// Decides. Groups are in the order of their first events.
pub fn decide(parts: &[Part], owners: &Owners) -> Vec<Group> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|index| (parts[*index].first_at, parts[*index].issue, &parts[*index].hashes));
    let (mut groups, mut by_hash, mut by_issue) = (Vec::<Group>::new(), HashMap::<Uuid, usize>::new(), HashMap::<IssueId, usize>::new());
    for index in order {
        let part = &parts[index];
        let known = part.hashes.iter().find_map(|hash| by_hash.get(hash).copied().map(Ok).or_else(|| owners.get(hash).map(Err)));
        let at = match known {
            Some(Ok(at)) => at,
            Some(Err(owner)) => *by_issue.entry(owner.issue).or_insert_with(|| {
                groups.push(Group { own: Some(owner.issue), ..Group::default() });
                groups.len() - 1
            }),
            None => {
                groups.push(Group::default());
                groups.len() - 1
            }
        };
        groups[at].parts.push(index);
        for hash in &part.hashes {
            let owner = owners.get(hash);
            groups[at].decided |= owner.is_some_and(|owner| owner.decided && Some(owner.issue) == groups[at].own);
            if owner.is_none_or(|owner| Some(owner.issue) == groups[at].own) && by_hash.insert(*hash, at).is_none() {
                groups[at].hashes.push(*hash);
            }
        }
    }
    choose_heirs(parts, &mut groups);
    groups
}

/// Which issue each group will be.
fn choose_heirs(parts: &[Part], groups: &mut [Group]) {
    let mut shares = BTreeMap::<IssueId, BTreeMap<usize, i64>>::new();
    let mut oldest = BTreeMap::<IssueId, DateTime<Utc>>::new();
    for (at, group) in groups.iter().enumerate() {
        for part in group.parts.iter().map(|index| &parts[*index]) {
            *shares.entry(part.issue).or_default().entry(at).or_default() += part.events;
            oldest.entry(part.issue).and_modify(|first| *first = part.first_at.min(*first)).or_insert(part.first_at);
        }
    }
    let mut wishes = BTreeMap::<usize, Vec<(i64, std::cmp::Reverse<DateTime<Utc>>, std::cmp::Reverse<IssueId>)>>::new();
    for (issue, shares) in &shares {
        let own = shares.keys().copied().find(|at| groups[*at].own == Some(*issue));
        // A group that somebody decided to be another issue is not this one's to continue.
        let free = shares.iter().filter(|(at, _)| !groups[**at].decided || groups[**at].own == Some(*issue));
        let largest = free.max_by_key(|(at, events)| (**events, std::cmp::Reverse(**at))).map(|(at, _)| *at);
        if let Some(at) = own.or(largest) {
            let first = oldest.get(issue).copied().unwrap_or_default();
            wishes.entry(at).or_default().push((shares[&at], std::cmp::Reverse(first), std::cmp::Reverse(*issue)));
        }
    }
    for (at, group) in groups.iter_mut().enumerate() {
        let wished = wishes.get(&at).and_then(|wishes| wishes.iter().max()).map(|wish| wish.2.0);
        group.heir = if group.decided { group.own } else { wished };
    }
    let taken: Vec<IssueId> = groups.iter().filter_map(|group| group.heir).collect();
    for group in groups.iter_mut().filter(|group| group.heir.is_none()) {
        group.heir = group.own.filter(|own| !taken.contains(own));
    }
    // Who owns a decided group may have been chosen elsewhere, too: the decision holds.
    let decided: Vec<IssueId> = groups.iter().filter(|group| group.decided).filter_map(|group| group.heir).collect();
    for group in groups.iter_mut().filter(|group| !group.decided && group.heir.is_some_and(|heir| decided.contains(&heir))) {
        group.heir = None;
    }
    // What is left continues an issue that nobody else does, before a new one is made.
    let mut taken: BTreeSet<IssueId> = groups.iter().filter_map(|group| group.heir).collect();
    for group in groups.iter_mut().filter(|group| group.heir.is_none()) {
        let mut counts = BTreeMap::<IssueId, i64>::new();
        for part in group.parts.iter().map(|index| &parts[*index]).filter(|part| !taken.contains(&part.issue)) {
            *counts.entry(part.issue).or_default() += part.events;
        }
        group.heir = counts.into_iter().max_by_key(|(issue, events)| (*events, std::cmp::Reverse(*issue))).map(|(issue, _)| issue);
        taken.extend(group.heir);
    }
}

/// The issues of which anything changes, sorted: those that lose or gain events, and those whose events get another hash.
pub fn touched(parts: &[Part], groups: &[Group], owners: &Owners) -> Vec<IssueId> {
    let mut touched = BTreeSet::new();
    for group in groups {
        for part in group.parts.iter().map(|index| &parts[*index]) {
            let is_led_there = part.hashes.first().and_then(|hash| owners.get(hash)).is_some_and(|owner| owner.issue == part.issue);
            if group.heir != Some(part.issue) || !is_led_there {
                touched.extend([Some(part.issue), group.heir].into_iter().flatten());
            }
        }
    }
    touched.into_iter().collect()
}

/// A part of a change, as people are shown it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Piece {
    /// Where its events are.
    pub from: IssueId,
    /// Where they will be; nothing: in a new issue.
    pub into: Option<IssueId>,
    /// How many.
    pub events: i64,
    /// One of them.
    pub sample: Uuid,
    /// What it is called.
    pub title: String,
}

/// What would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// Issues, and what comes together in each: largest first.
    pub merges: Vec<Vec<Piece>>,
    /// Issues that come apart, and into what: largest first.
    pub splits: Vec<Vec<Piece>>,
    /// Issues before.
    pub issues_before: usize,
    /// Issues after.
    pub issues_after: usize,
    /// Events looked at.
    pub events: i64,
    /// Of these, moved to another issue.
    pub moved: i64,
}

/// What a decision changes.
pub fn changes(parts: &[Part], groups: &[Group]) -> Changes {
    let mut changes = Changes { issues_after: groups.len(), events: parts.iter().map(|part| part.events).sum(), ..Changes::default() };
    let mut by_issue = BTreeMap::<IssueId, BTreeMap<usize, Piece>>::new();
    let mut by_group = BTreeMap::<usize, BTreeMap<IssueId, Piece>>::new();
    for (at, group) in groups.iter().enumerate() {
        for part in group.parts.iter().map(|index| &parts[*index]) {
            let piece = Piece { from: part.issue, into: group.heir, events: 0, sample: part.sample, title: part.title.clone() };
            by_issue.entry(part.issue).or_default().entry(at).or_insert_with(|| piece.clone()).events += part.events;
            by_group.entry(at).or_default().entry(part.issue).or_insert(piece).events += part.events;
            if group.heir != Some(part.issue) {
                changes.moved += part.events;
            }
        }
    }
    changes.issues_before = by_issue.len();
    let sorted = |pieces: Vec<Piece>| {
        let mut pieces = pieces;
        pieces.sort_by_key(|piece| (std::cmp::Reverse(piece.events), piece.from, piece.into));
        pieces
    };
    changes.splits =
        by_issue.into_values().filter(|groups| groups.len() > 1).map(|groups| sorted(groups.into_values().collect())).collect();
    changes.merges =
        by_group.into_values().filter(|issues| issues.len() > 1).map(|issues| sorted(issues.into_values().collect())).collect();
    let size = |pieces: &Vec<Piece>| std::cmp::Reverse(pieces.iter().map(|piece| piece.events).sum::<i64>());
    changes.splits.sort_by_key(size);
    changes.merges.sort_by_key(size);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::ProjectId;

    fn issue(number: i32) -> IssueId {
        IssueId::new(ProjectId(1), number)
    }

    fn part(number: i32, hashes: &[u128], events: i64, at: i64) -> Part {
        let first_at = DateTime::from_timestamp(1_795_530_787 + at, 0).unwrap();
        let hashes = hashes.iter().copied().map(Uuid::from_u128).collect();
        Part { issue: issue(number), hashes, events, first_at, sample: Uuid::nil(), title: String::new() }
    }

    fn owners(owned: &[(u128, i32, bool)]) -> Owners {
        owned.iter().map(|(hash, number, decided)| (Uuid::from_u128(*hash), Owner { issue: issue(*number), decided: *decided })).collect()
    }

    /// Per group: its heir's number (0: new), and the issues in it.
    fn told(parts: &[Part], owned: &[(u128, i32, bool)]) -> Vec<(u32, Vec<u32>)> {
        let groups = decide(parts, &owners(owned));
        let mut reversed = parts.to_vec();
        reversed.reverse();
        let again = decide(&reversed, &owners(owned));
        let heirs = |groups: &[Group]| groups.iter().map(|group| (group.heir, group.hashes.clone())).collect::<Vec<_>>();
        assert_eq!(heirs(&groups), heirs(&again), "the order of the parts does not matter");
        let from = |group: &Group| group.parts.iter().map(|index| parts[*index].issue.number()).collect();
        groups.iter().map(|group| (group.heir.map_or(0, IssueId::number), from(group))).collect()
    }

    #[test]
    fn rules_that_change_nothing_change_nothing() {
        // Hashes of one issue that no event of today connects stay together.
        let parts = [part(1, &[1, 5], 9, 0), part(1, &[3, 9], 2, 5), part(2, &[2], 4, 1)];
        let owned = [(1, 1, false), (3, 1, false), (9, 1, false), (5, 1, false), (2, 2, false)];
        assert_eq!(told(&parts, &owned), [(1, vec![1, 1]), (2, vec![2])]);
        let groups = decide(&parts, &owners(&owned));
        assert_eq!(changes(&parts, &groups).moved, 0);
    }

    #[test]
    fn issues_that_get_one_hash_become_the_larger_one() {
        let parts = [part(1, &[7], 3, 0), part(2, &[7], 30, 1)];
        assert_eq!(told(&parts, &[(1, 1, false), (2, 2, false)]), [(2, vec![1, 2])]);
        let parts = [part(1, &[7], 3, 5), part(2, &[7], 3, 1)];
        assert_eq!(told(&parts, &[]), [(2, vec![2, 1])], "of equal ones the older");
        let groups = decide(&parts, &Owners::new());
        let changed = changes(&parts, &groups);
        assert_eq!((changed.issues_before, changed.issues_after, changed.moved, changed.merges.len()), (2, 1, 3, 1));
    }

    #[test]
    fn an_issue_that_comes_apart_keeps_what_it_owns_or_its_largest_part() {
        let parts = [part(1, &[1], 4, 0), part(1, &[8], 6, 1)];
        assert_eq!(told(&parts, &[(1, 1, false)]), [(1, vec![1]), (0, vec![1])]);
        let parts = [part(1, &[7], 4, 0), part(1, &[8], 6, 1)];
        assert_eq!(told(&parts, &[(1, 1, false)]), [(0, vec![1]), (1, vec![1])]);
    }

    #[test]
    fn what_ingest_made_under_the_new_rules_joins_the_old_issue() {
        // Issue 2 was made by new events under hash 7; all of issue 1 gets it.
        let parts = [part(1, &[7], 100, 0), part(2, &[7], 5, 50)];
        assert_eq!(told(&parts, &[(1, 1, false), (7, 2, false)]), [(1, vec![1, 2])]);
    }

    #[test]
    fn what_a_person_decided_holds() {
        // Hash 7 was split out into issue 2, and is decided: however many events get it, they are issue 2.
        let parts = [part(1, &[7], 100, 0), part(2, &[7], 5, 50)];
        assert_eq!(told(&parts, &[(1, 1, false), (7, 2, true)]), [(2, vec![1, 2])]);
        // Merged: two hashes that lead to issue 1.
        let parts = [part(1, &[1], 5, 0), part(1, &[2], 50, 0)];
        assert_eq!(told(&parts, &[(1, 1, false), (2, 1, true)]), [(1, vec![1, 1])]);
    }

    #[test]
    fn stored_events_join_an_issue_whose_payloads_are_gone() {
        let parts = [part(1, &[7], 2, 0), part(1, &[1], 50, 0)];
        assert_eq!(told(&parts, &[(1, 1, false), (7, 2, false)]), [(1, vec![1]), (2, vec![1])]);
    }
}
