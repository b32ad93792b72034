//! # Events that change their issue
//! **Promise.** What is counted of an event (hours, minutes, tags, users) moves with it, in one transaction: what one issue loses another gains.
//! **How.** [`take_in`] adds everything of one issue to another; [`relocate`] moves single events, told by their payloads. The caller holds the
//! locks of all issues concerned. **When it breaks.** What was counted of events whose payload is gone stays where it was counted.
//! **Not here.** Which event belongs where (`regroup`), the rows of issues (`issues`).

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;
use sqlx::PgConnection;
use uuid::Uuid;

pub use super::intake::pack;
use super::intake::{Counts, place_of, see_users, user_numbers};
pub use super::looking::{Cursor, Looked, Span, last_of_issue, newest_of_project, next_moved, next_of_issue, next_of_project};
use super::pairs::{self, SeenPairs};
use super::summary::Summary;
use super::tag_intake::{self, MAX_KEYS, SeenTags};
use super::tag_stats::{OWN_KEYS, TagValues};
use crate::accounts::{IssueId, ProjectId};

/// An event that leaves one issue for another.
#[derive(Debug)]
pub struct Leaving<'e> {
    /// The event as it is stored.
    pub event: &'e Looked,
    /// Where it goes.
    pub to: IssueId,
    /// Its hash there.
    pub hash: Uuid,
    /// What is kept of its hash until now, for the regrouping that may take it back.
    pub before: Option<(Uuid, i64)>,
    /// What is counted of it.
    pub summary: &'e Summary,
}

/// Users by their numbers, of the issues that lost events of theirs.
pub type LeftUsers = BTreeMap<IssueId, Vec<i64>>;

/// What moved with events.
#[derive(Debug, Default)]
pub struct Relocated {
    /// How many users are new to each issue.
    pub new_users: BTreeMap<IssueId, i64>,
    /// The environments the issues were seen in.
    pub environments: Vec<(IssueId, String)>,
    /// Whose events left.
    pub left: LeftUsers,
}

/// Moves events, and what is counted of them. Minutes before `first_minute` are not kept.
pub async fn relocate(db: &mut PgConnection, leaving: &[Leaving<'_>], first_minute: i32) -> anyhow::Result<Relocated> {
    let project = leaving.first().map_or(ProjectId(0), |leaving| leaving.to.project());
    sqlx::query!(
        "update events e set issue_id = n.issue_id, hash = n.hash, hash_before = n.before, moved_by = n.moved_by
        from unnest($2::date[], $3::uuid[], $4::bigint[], $5::uuid[], $6::uuid[], $7::bigint[]) as n (day, event_id, issue_id, hash, before, moved_by)
        where e.project_id = $1 and e.day = n.day and e.event_id = n.event_id and e.day = any($2)",
        project.0,
        &leaving.iter().map(|l| l.event.day).collect::<Vec<_>>(),
        &leaving.iter().map(|l| l.event.event_id).collect::<Vec<_>>(),
        &leaving.iter().map(|l| l.to.0).collect::<Vec<_>>(),
        &leaving.iter().map(|l| l.hash).collect::<Vec<_>>(),
        &leaving.iter().map(|l| l.before.map(|before| before.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &leaving.iter().map(|l| l.before.map(|before| before.1)).collect::<Vec<_>>() as &[Option<i64>]
    )
    .execute(&mut *db)
    .await?;
    let (mut gone, mut come) = (Counts::default(), Counts::default());
    let (mut tags, mut lost, mut seen) = (SeenTags::new(), SeenTags::new(), SeenPairs::new());
    for l in leaving {
        gone.add(l.event.issue, l.event.received, l.event.hash);
        come.add(l.to, l.event.received, l.hash);
        if l.event.issue == l.to {
            continue;
        }
        pairs::add(&mut seen, (l.to, l.event.received.date_naive()), &pairs::of(l.summary));
        for (key, value) in &l.summary.tags {
            *tags.entry((l.to, key.as_str())).or_default().entry(value.as_str()).or_default() += 1;
            *lost.entry((l.event.issue, key.as_str())).or_default().entry(value.as_str()).or_default() += 1;
        }
    }
    come.minutes.retain(|(_, minute), _| *minute >= first_minute);
    uncount(db, project, &gone).await?;
    come.write_issues(db).await?;
    lose_tags(db, project, &lost).await?;
    pairs::see(db, &seen).await?;
    let environments = tag_intake::see_tags(db, tags).await?;
    let (left, arrived) = users(db, leaving).await?;
    Ok(Relocated { new_users: see_users(db, &arrived).await?, environments, left })
}

/// The users of events by number: of whom they leave, and to whom they come.
async fn users(db: &mut PgConnection, leaving: &[Leaving<'_>]) -> sqlx::Result<(LeftUsers, LeftUsers)> {
    let elsewhere = || leaving.iter().filter(|l| l.event.issue != l.to);
    let wanted: BTreeSet<_> = elsewhere().filter_map(|l| Some((l.to.project(), l.summary.user?))).collect();
    let numbers = user_numbers(db, &wanted.into_iter().collect::<Vec<_>>()).await?;
    let numbers: BTreeMap<Uuid, i64> = numbers.into_iter().map(|(_, user, number)| (user, number)).collect();
    let (mut left, mut arrived) = (LeftUsers::new(), LeftUsers::new());
    for l in elsewhere() {
        if let Some(number) = l.summary.user.and_then(|user| numbers.get(&user)) {
            left.entry(l.event.issue).or_default().push(*number);
            arrived.entry(l.to).or_default().push(*number);
        }
    }
    Ok((left, arrived))
}

/// Takes counts back.
async fn uncount(db: &mut PgConnection, project: ProjectId, gone: &Counts) -> sqlx::Result<()> {
    sqlx::query!(
        "update issue_hours c set events = c.events - g.events
        from unnest($1::int[], $2::bigint[], $3::int[], $4::uuid[], $5::bigint[]) as g (project_id, issue_id, hour, hash, events)
        where c.project_id = g.project_id and c.issue_id = g.issue_id and c.hour = g.hour and c.hash = g.hash",
        &gone.hours.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
        &gone.hours.keys().map(|k| k.0.0).collect::<Vec<_>>(),
        &gone.hours.keys().map(|k| k.1).collect::<Vec<_>>(),
        &gone.hours.keys().map(|k| k.2).collect::<Vec<_>>(),
        &gone.hours.values().copied().collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update issue_minutes c set events = c.events - g.events
        from unnest($1::int[], $2::bigint[], $3::int[], $4::bigint[]) as g (project_id, issue_id, minute, events)
        where c.project_id = g.project_id and c.issue_id = g.issue_id and c.minute = g.minute",
        &gone.minutes.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
        &gone.minutes.keys().map(|k| k.0.0).collect::<Vec<_>>(),
        &gone.minutes.keys().map(|k| k.1).collect::<Vec<_>>(),
        &gone.minutes.values().copied().collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    let issues: BTreeSet<i64> = gone.minutes.keys().map(|k| k.0.0).collect();
    let issues: Vec<i64> = issues.into_iter().collect();
    sqlx::query!("delete from issue_hours where project_id = $1 and issue_id = any($2) and events <= 0", project.0, &issues)
        .execute(&mut *db)
        .await?;
    sqlx::query!("delete from issue_minutes where project_id = $1 and issue_id = any($2) and events <= 0", project.0, &issues)
        .execute(db)
        .await
        .map(|_| ())
}

/// Takes values out of the statistics.
async fn lose_tags(db: &mut PgConnection, project: ProjectId, lost: &SeenTags<'_>) -> sqlx::Result<()> {
    let mut kept = Vec::new();
    for (issue, key, packed) in tag_intake::known(db, lost).await? {
        let mut tags = TagValues::decode(&packed);
        for (value, by) in lost.get(&(issue, key.as_str())).into_iter().flatten() {
            tags.remove(value, *by);
        }
        kept.push((issue, key, tags));
    }
    write_tags(db, project, &kept).await
}

/// Writes statistics; those of no event are deleted.
async fn write_tags(db: &mut PgConnection, project: ProjectId, tags: &[(IssueId, String, TagValues)]) -> sqlx::Result<()> {
    let (kept, empty): (Vec<_>, Vec<_>) = tags.iter().partition(|(.., tags)| tags.total > 0);
    sqlx::query!(
        "delete from issue_tags where project_id = $1 and (issue_id, key) in (select * from unnest($2::bigint[], $3::text[]))",
        project.0,
        &empty.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &empty.iter().map(|row| row.1.clone()).collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    let keys: Vec<_> = kept.iter().map(|(issue, key, _)| (*issue, key.as_str())).collect();
    tag_intake::write(db, &keys, &kept.iter().map(|row| row.2.encode()).collect::<Vec<_>>()).await
}

/// Adds everything that is counted of `from` to `into`, also what no payload tells of; how many users `into` has then. The events' rows are
/// [`hand_over`]'s.
pub async fn take_in(db: &mut PgConnection, from: IssueId, into: IssueId) -> anyhow::Result<i64> {
    let project = from.project();
    sqlx::query!(
        "with gone as (delete from issue_hours where project_id = $1 and issue_id = $2 returning hour, hash, events)
        insert into issue_hours as c (project_id, issue_id, hour, hash, events) select $1, $3, hour, hash, events from gone
        on conflict (project_id, issue_id, hour, hash) do update set events = c.events + excluded.events",
        project.0,
        from.0,
        into.0
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "with gone as (delete from issue_minutes where project_id = $1 and issue_id = $2 returning minute, events)
        insert into issue_minutes as c (project_id, issue_id, minute, events) select $1, $3, minute, events from gone
        on conflict (project_id, issue_id, minute) do update set events = c.events + excluded.events",
        project.0,
        from.0,
        into.0
    )
    .execute(&mut *db)
    .await?;
    take_in_tags(db, from, into).await?;
    let bits = take_bitmaps(db, from).await?;
    add_bitmaps(db, into, bits).await
}

async fn take_in_tags(db: &mut PgConnection, from: IssueId, into: IssueId) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        "delete from issue_tags where project_id = $1 and issue_id = any($2) returning issue_id, key, packed",
        from.project().0,
        &[from.0, into.0] as &[i64]
    );
    let (mut own, mut others) = (BTreeMap::<String, TagValues>::new(), Vec::new());
    for row in rows.fetch_all(&mut *db).await? {
        let tags = TagValues::decode(&row.packed);
        if row.issue_id == into.0 {
            own.insert(row.key, tags);
        } else {
            others.push((row.key, tags));
        }
    }
    others.sort_by_key(|(_, tags)| std::cmp::Reverse(tags.total));
    let is_made_up = |key: &str| !OWN_KEYS.contains(&key);
    let mut places = MAX_KEYS.saturating_sub(own.keys().filter(|key| is_made_up(key)).count());
    for (key, tags) in others {
        if !own.contains_key(&key) && is_made_up(&key) {
            if places == 0 {
                continue;
            }
            places -= 1;
        }
        own.entry(key).or_default().merge(&tags);
    }
    let own: Vec<_> = own.into_iter().map(|(key, tags)| (into, key, tags)).collect();
    write_tags(db, into.project(), &own).await
}

/// Bitmaps of users, in chunks of 65,536 numbers.
pub type Bitmaps = BTreeMap<i32, RoaringBitmap>;

/// Takes the users of an issue away from it.
pub async fn take_bitmaps(db: &mut PgConnection, issue: IssueId) -> anyhow::Result<Bitmaps> {
    let rows =
        sqlx::query!("delete from issue_users where project_id = $1 and issue_id = $2 returning chunk, bitmap", issue.project().0, issue.0);
    let rows = rows.fetch_all(db).await?;
    rows.into_iter().map(|row| Ok((row.chunk, RoaringBitmap::deserialize_from(row.bitmap.as_slice())?))).collect()
}

/// Adds users to an issue; how many it has then.
pub async fn add_bitmaps(db: &mut PgConnection, issue: IssueId, bits: Bitmaps) -> anyhow::Result<i64> {
    let mut all = take_bitmaps(db, issue).await?;
    for (chunk, bits) in bits {
        *all.entry(chunk).or_default() |= bits;
    }
    all.retain(|_, bits| !bits.is_empty());
    let packed = all.values().map(pack).collect::<anyhow::Result<Vec<_>>>()?;
    sqlx::query!(
        "insert into issue_users (project_id, issue_id, chunk, bitmap) select $1, $2, * from unnest($3::int[], $4::bytea[])",
        issue.project().0,
        issue.0,
        &all.keys().copied().collect::<Vec<_>>(),
        &packed
    )
    .execute(db)
    .await?;
    Ok(all.values().map(|bits| bits.len() as i64).sum())
}

/// Adds users by number to bitmaps.
pub fn mark(bits: &mut Bitmaps, numbers: impl IntoIterator<Item = i64>) {
    for number in numbers {
        let (chunk, bit) = place_of(number);
        bits.entry(chunk).or_default().insert(bit);
    }
}

/// Leads up to `limit` stored events of one issue to another; what is counted of them is there already. How many.
pub async fn hand_over(db: &mut PgConnection, from: IssueId, into: IssueId, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update events set issue_id = $3 where project_id = $1 and (event_id, day) in (
            select event_id, day from events where project_id = $1 and issue_id = $2 limit $4)",
        from.project().0,
        from.0,
        into.0,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// Counted hours of some hashes that no stored event accounts for: they move as they are. How many events.
pub async fn move_hours(db: &mut PgConnection, (from, hashes): (IssueId, &[Uuid]), into: IssueId) -> sqlx::Result<i64> {
    let moved = sqlx::query_scalar!(
        r#"with gone as (delete from issue_hours where project_id = $1 and issue_id = $2 and hash = any($4) returning hour, hash, events),
        come as (insert into issue_hours as c (project_id, issue_id, hour, hash, events) select $1, $3, hour, hash, events from gone
            on conflict (project_id, issue_id, hour, hash) do update set events = c.events + excluded.events)
        select coalesce(sum(events), 0)::bigint as "moved!" from gone"#,
        from.project().0,
        from.0,
        into.0,
        hashes
    );
    moved.fetch_one(db).await
}

/// Events that are counted in the hours of an issue: those younger than the retention period.
pub async fn hour_count(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select coalesce(sum(events), 0)::bigint as "count!" from issue_hours where project_id = $1 and issue_id = $2"#,
        issue.project().0,
        issue.0
    );
    count.fetch_one(db).await
}
