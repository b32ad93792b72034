//! Events of a project that never stops stop.
//! **Promise.** A project that had events all week long, never half a night without, is told of when nothing has come for three times its longest silence of
//! that week, and for half an hour at least; once, and again when events are back. **How.** When a project has been silent for that half hour its week is looked at
//! once (`project_minutes`), which gives the minute from which on the silence is unusual. Minutes in which nobody listened count for nothing, and what is
//! refused (limits, filters) has arrived. **Not here.** Who is told: nobody unless the project asks for it, because a bug that was fixed is silent, too.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::follow::Deaf;
use super::queries;
use super::whole::Whole;
use crate::accounts::ProjectId;
use crate::alerts::silence::{Back, PROJECT_BACK, PROJECT_STOPPED, Stopped};
use crate::platform::outbox;

/// Minutes without an event before anybody asks.
const LEAST: i32 = 30;
/// Silence is unusual when it is so many times as long as the longest one.
const TIMES: i32 = 3;
/// A project with a longer silence in the week does stop: this one says nothing.
const NEVER: i32 = 4 * 60;
/// Days that are looked at.
pub(super) const DAYS: i32 = 7;
/// Projects that are looked at in one round.
const MOST: i64 = 50;
/// Silence is never unusual.
pub(super) const NOTHING: i32 = -1;

/// The longest silence between these minutes, which are in order; nothing when they do not go back far enough, or there was a long one.
fn usual(minutes: &[i32], deaf: &Deaf) -> Option<i32> {
    let (first, last) = (*minutes.first()?, *minutes.last()?);
    // Of the first day nobody knows what came before.
    let is_long_enough = last - first >= (DAYS - 1) * 1_440;
    let longest = minutes.windows(2).map(|pair| pair[1] - pair[0] - 1 - deaf.between(pair[0] + 1, pair[1] - 1)).max()?;
    (is_long_enough && longest <= NEVER).then_some(longest)
}

/// Whether a project has been silent until `closed` for so long that there is something to look at.
pub(super) async fn is_due(db: &mut PgConnection, closed: i32) -> sqlx::Result<bool> {
    queries::is_silent(db, (closed - LEAST, closed)).await
}

/// Looks at the projects that have been silent until `closed`; true: there is something to tell.
pub(super) async fn look(db: &mut PgConnection, deaf: &Deaf, closed: i32, now: DateTime<Utc>) -> anyhow::Result<bool> {
    for (project, last) in queries::unasked(db, closed - LEAST, MOST).await? {
        let minutes = queries::minutes_of_project(db, project, (last - DAYS * 1_440, last)).await?;
        let minutes: Vec<i32> = minutes.into_keys().collect();
        let longest = usual(&minutes, deaf).unwrap_or(NOTHING);
        queries::set_longest(db, project, (longest, last + needed(longest))).await?;
    }
    let mut is_told = false;
    for due in queries::silent(db, closed, MOST).await? {
        is_told |= judge(db, &due, deaf, closed, now).await?;
    }
    Ok(is_told)
}

/// Minutes of silence that are unusual where the longest one was so long.
fn needed(longest: i32) -> i32 {
    LEAST.max(TIMES * longest) + 1
}

/// Events came, the last one in this minute; true: people had been told that there were none.
pub(super) async fn ended(db: &mut PgConnection, whole: &mut Whole, last: i32, now: DateTime<Utc>) -> anyhow::Result<bool> {
    whole.last_minute = whole.last_minute.max(last);
    let Some(stopped_at) = whole.stopped_at.take() else { return Ok(false) };
    outbox::enqueue(db, PROJECT_BACK, &Back { project: whole.project(), stopped_at }, now).await?;
    Ok(true)
}

/// A project whose silence is long enough, if somebody listened all the time.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) project: ProjectId,
    pub(super) last_minute: i32,
    pub(super) longest: i32,
}

async fn judge(db: &mut PgConnection, due: &Due, deaf: &Deaf, closed: i32, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let minutes = closed - due.last_minute - deaf.between(due.last_minute + 1, closed);
    let needed = needed(due.longest);
    let missing = needed - minutes;
    if missing > 0 {
        queries::look_again(db, due.project, closed + missing).await?;
        return Ok(false);
    }
    if queries::is_refused(db, due.project, (closed - needed) / 60).await? {
        queries::look_again(db, due.project, closed + 60).await?;
        return Ok(false);
    }
    queries::set_stopped(db, due.project, now).await?;
    let last = DateTime::from_timestamp((i64::from(due.last_minute) + 1) * 60, 0).unwrap_or(now);
    outbox::enqueue(db, PROJECT_STOPPED, &Stopped { project: due.project, last, minutes, longest: due.longest }, now).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(pause: i32) -> Vec<i32> {
        (0..DAYS * 1_440).step_by(pause as usize).collect()
    }

    #[test]
    fn the_longest_silence_of_a_week_is_what_is_usual() {
        assert_eq!(usual(&every(10), &Deaf::default()), Some(9));
        let mut with_night = every(10);
        with_night.retain(|minute| !(3_000..3_100).contains(minute));
        assert_eq!(usual(&with_night, &Deaf::default()), Some(109));
        let deaf = Deaf { gaps: vec![(3_000, 3_099)], heard: [3_050].into() };
        assert_eq!(usual(&with_night, &deaf), Some(10), "what nobody heard was no silence");
    }

    #[test]
    fn a_project_that_is_young_or_sleeps_says_nothing_by_its_silence() {
        assert_eq!(usual(&every(10)[300..], &Deaf::default()), None);
        let mut nights = every(10);
        nights.retain(|minute| minute % 1_440 > NEVER + 10);
        assert_eq!(usual(&nights, &Deaf::default()), None);
        assert_eq!((usual(&[], &Deaf::default()), usual(&[5], &Deaf::default())), (None, None));
    }
}
