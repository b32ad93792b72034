//! Which Monday somebody's next summary comes, and when its morning is: pure; and the SQL of that.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::queries;
use super::settings::Settings;
use super::subject::Subject;
use crate::accounts::{ProjectId, UserId};

/// Projects that a summary may tell of.
const PROJECTS: i64 = 1_000;

/// Somebody whose Monday morning has come.
#[derive(Debug, Clone)]
pub(in crate::alerts) struct Reader {
    pub(in crate::alerts) user: UserId,
    pub(in crate::alerts) email: String,
    /// They may sign in.
    pub(in crate::alerts) is_active: bool,
    /// The one whose morning it is.
    pub(in crate::alerts) monday: NaiveDate,
    settings: Settings,
}

impl Reader {
    /// The week before that Monday, from midnight to midnight of their clock.
    pub(in crate::alerts) fn week(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.settings.midnight(self.monday - TimeDelta::days(7)), self.settings.midnight(self.monday))
    }
}

impl Settings {
    /// When a day begins.
    fn midnight(&self, day: NaiveDate) -> DateTime<Utc> {
        self.at(day, 0).unwrap_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc())
    }

    /// When the summary comes on that Monday.
    fn morning(&self, monday: NaiveDate) -> DateTime<Utc> {
        let due = self.at(monday, self.digest_hour * 60).unwrap_or_else(|| self.midnight(monday));
        self.quiet(due).map_or(due, |(end, _)| end)
    }

    /// The Monday of the next summary, and its morning. `kept` is the one that was to be next; one that was `promised` comes, late if it must.
    fn next_monday(&self, (kept, promised): (Option<NaiveDate>, bool), now: DateTime<Utc>) -> (NaiveDate, DateTime<Utc>) {
        let today = now.with_timezone(&self.zone).date_naive();
        let this = today - Days::new(today.weekday().num_days_from_monday().into());
        let ahead = if self.morning(this) > now { this } else { this + Days::new(7) };
        // A clock that went back must not keep people waiting.
        let kept = kept.filter(|kept| *kept <= ahead + Days::new(7));
        let monday = kept.map_or(ahead, |kept| if promised { kept } else { kept.max(ahead) });
        (monday, self.morning(monday))
    }
}

/// Writes whether somebody wants summaries, after their other settings.
pub(super) async fn choose(db: &mut PgConnection, user: UserId, settings: &Settings, now: DateTime<Utc>) -> sqlx::Result<()> {
    let row = sqlx::query!("select weekly_monday, weekly_due from personal_settings where user_id = $1 for update", user.0);
    let Some(row) = row.fetch_optional(&mut *db).await? else { return Ok(()) };
    if !settings.weekly {
        return stop(db, user).await;
    }
    let (monday, due) = settings.next_monday((row.weekly_monday, row.weekly_due.is_some()), now);
    set(db, user, monday, due).await
}

/// Ends summaries.
pub(super) async fn stop(db: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("update personal_settings set weekly_due = null where user_id = $1", user.0).execute(db).await.map(|_| ())
}

async fn set(db: &mut PgConnection, user: UserId, monday: NaiveDate, due: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update personal_settings set weekly_monday = $2, weekly_due = $3 where user_id = $1", user.0, monday, due)
        .execute(db)
        .await
        .map(|_| ())
}

/// Somebody whose summary is due, locked; another process passes them over.
pub(in crate::alerts) async fn weekly_due(db: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Option<Reader>> {
    // joins: users
    let row = sqlx::query!(
        r#"select u.user_id as "user: UserId", u.email, u.is_active, s.weekly_monday as "monday!" from personal_settings s
        join users u on u.user_id = s.user_id
        where s.weekly_due <= $1 order by s.weekly_due, s.user_id limit 1 for update of s skip locked"#,
        now
    );
    let Some(row) = row.fetch_optional(&mut *db).await? else { return Ok(None) };
    let settings = queries::settings(db, row.user).await?;
    // After a long absence, the last week.
    let (next, _) = settings.next_monday((None, false), now);
    let monday = row.monday.max(next - Days::new(7));
    Ok(Some(Reader { user: row.user, email: row.email, is_active: row.is_active, monday, settings }))
}

/// Writes when their next is.
pub(in crate::alerts) async fn set_weekly_told(db: &mut PgConnection, reader: &Reader, now: DateTime<Utc>) -> sqlx::Result<()> {
    let (monday, due) = reader.settings.next_monday((Some(reader.monday + Days::new(7)), false), now);
    set(db, reader.user, monday, due).await
}

/// The projects that a summary tells of: those whose facts reach them, and that they did not switch off.
pub(in crate::alerts) async fn told_projects(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<ProjectId>> {
    let off = queries::off(db, user).await?;
    let projects = queries::projects(db, user, PROJECTS).await?.into_iter().map(|(project, _)| project);
    Ok(projects.filter(|project| !off.contains(&(*project, Subject::All))).collect())
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_summary_is_on_the_next_monday_morning_of_the_persons_clock() {
        let berlin = Settings { zone: Tz::Europe__Berlin, ..Settings::default() };
        let early = Settings { quiet: Some((22 * 60, 10 * 60 + 30)), ..berlin };
        for (settings, now, monday, due) in [
            (berlin, "2026-11-24T14:33:07Z", "2026-11-30", "2026-11-30T08:00:00Z"),
            (berlin, "2026-11-30T07:59:59Z", "2026-11-30", "2026-11-30T08:00:00Z"),
            (berlin, "2026-11-30T08:00:00Z", "2026-12-07", "2026-12-07T08:00:00Z"),
            // Summer time.
            (berlin, "2026-03-27T12:00:00Z", "2026-03-30", "2026-03-30T07:00:00Z"),
            (early, "2026-11-24T14:33:07Z", "2026-11-30", "2026-11-30T09:30:00Z"),
            // Sunday evening in London, Monday in Auckland.
            (Settings { zone: Tz::Pacific__Auckland, ..berlin }, "2026-11-29T18:00:00Z", "2026-11-30", "2026-11-29T20:00:00Z"),
        ] {
            assert_eq!(settings.next_monday((None, false), at(now)), (day(monday), at(due)), "{now}");
        }
    }

    #[test]
    fn no_week_is_told_twice_and_none_that_was_promised_is_lost() {
        let utc = Settings::default();
        let west = Settings { zone: Tz::America__Los_Angeles, ..utc };
        let east = Settings { zone: Tz::Asia__Tokyo, ..utc };
        let told = Some(day("2026-12-07"));
        let monday = at("2026-11-30T09:01:00Z");
        assert_eq!(west.next_monday((told, true), monday).0, day("2026-12-07"), "told this morning, and it is not nine there yet");
        assert_eq!(west.next_monday((told, false), monday).0, day("2026-12-07"), "also after an hour without");
        let eight = at("2026-11-30T08:00:00Z");
        let (next, due) = east.next_monday((Some(day("2026-11-30")), true), eight);
        assert!(next == day("2026-11-30") && due <= eight, "its morning is over there: it comes now");
        assert_eq!(east.next_monday((Some(day("2026-11-02")), false), eight).0, day("2026-12-07"), "who asks again gets nothing old");
        assert_eq!(utc.next_monday((Some(day("2027-11-01")), true), eight).0, day("2026-11-30"), "the clock was wrong");
    }
}
