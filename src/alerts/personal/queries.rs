//! The SQL of `personal_settings`, `personal_off` and `personal_mutes`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::settings::{Pace, Settings};
use super::subject::Subject;
use crate::accounts::{IssueId, ProjectId, UserId};

/// How a person wants to be told, and why they do not want to be told of this, if they do not.
pub(super) async fn wishes(
    db: &mut PgConnection,
    user: UserId,
    (project, issue): (ProjectId, Option<IssueId>),
    subject: Subject,
) -> sqlx::Result<(Settings, Option<String>)> {
    // joins: issues
    let row = sqlx::query!(
        r#"select s.pace as "pace?", s.digest_hour as "digest_hour?", s.quiet_from as "quiet_from?", s.quiet_until as "quiet_until?",
            s.time_zone as "time_zone?",
            (select min(o.kind) from personal_off o where o.project_id = $2 and o.user_id = $1 and o.kind in ($3, 'all')) as "off?",
            exists (select from personal_mutes m where m.project_id = $2 and m.user_id = $1 and m.issue_id in
                (select i.issue_id from issues i where i.project_id = $2 and i.issue_id = $4
                union all select i.merged_into from issues i where i.project_id = $2 and i.issue_id = $4)) as "muted!"
        from (select) one left join personal_settings s on s.user_id = $1"#,
        user.0,
        project.0,
        subject.name(),
        issue.map_or(0, |issue| issue.0)
    )
    .fetch_one(db)
    .await?;
    let settings = read((row.pace.as_deref(), row.digest_hour), row.quiet_from.zip(row.quiet_until), row.time_zone.as_deref());
    let off = match row.off.as_deref() {
        _ if row.muted => Some("You muted this issue.".to_owned()),
        Some("all") => Some("You switched this project off.".to_owned()),
        Some(_) => Some(format!("You switched this off: {}.", subject.title().to_lowercase())),
        None => None,
    };
    Ok((settings, off))
}

/// How a person wants to be told.
pub(super) async fn settings(db: &mut PgConnection, user: UserId) -> sqlx::Result<Settings> {
    let row = sqlx::query!(
        "select pace, digest_hour, quiet_from, quiet_until, time_zone, weekly_due from personal_settings where user_id = $1",
        user.0
    );
    let row = row.fetch_optional(db).await?;
    Ok(row.map_or_else(Settings::default, |row| {
        let read = read((Some(&row.pace), Some(row.digest_hour)), row.quiet_from.zip(row.quiet_until), Some(&row.time_zone));
        Settings { weekly: row.weekly_due.is_some(), ..read }
    }))
}

fn read((pace, hour): (Option<&str>, Option<i16>), quiet: Option<(i16, i16)>, zone: Option<&str>) -> Settings {
    let own = Settings::default();
    Settings {
        pace: pace.and_then(Pace::parse).unwrap_or_default(),
        digest_hour: hour.map_or(own.digest_hour, |hour| hour as u16),
        quiet: quiet.map(|(from, until)| (from as u16, until as u16)),
        zone: zone.and_then(|zone| zone.parse().ok()).unwrap_or(own.zone),
        weekly: false,
    }
}

/// Writes how, but for the summaries of weeks.
pub(super) async fn set(db: &mut PgConnection, user: UserId, settings: &Settings) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into personal_settings (user_id, pace, digest_hour, quiet_from, quiet_until, time_zone) values ($1, $2, $3, $4, $5, $6)
        on conflict (user_id) do update set pace = excluded.pace, digest_hour = excluded.digest_hour, quiet_from = excluded.quiet_from,
            quiet_until = excluded.quiet_until, time_zone = excluded.time_zone",
        user.0,
        settings.pace.name(),
        settings.digest_hour as i16,
        settings.quiet.map(|(from, _)| from as i16),
        settings.quiet.map(|(_, until)| until as i16),
        settings.zone.name()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Switches mails of a project about something off.
pub(super) async fn stop(db: &mut PgConnection, user: UserId, (project, subject): (ProjectId, Subject)) -> sqlx::Result<()> {
    set_off(db, user, (&[], &[(project, subject)])).await
}

/// Forgets what was off in the projects of `cleared`, and switches these off.
pub(super) async fn set_off(
    db: &mut PgConnection,
    user: UserId,
    (cleared, off): (&[ProjectId], &[(ProjectId, Subject)]),
) -> sqlx::Result<()> {
    let cleared: Vec<i32> = cleared.iter().map(|project| project.0).collect();
    let clear = sqlx::query!("delete from personal_off where user_id = $1 and project_id = any($2)", user.0, &cleared);
    clear.execute(&mut *db).await?;
    let (projects, kinds): (Vec<i32>, Vec<String>) = off.iter().map(|(project, subject)| (project.0, subject.name().to_owned())).unzip();
    let add = sqlx::query!(
        "insert into personal_off (user_id, project_id, kind) select $1, * from unnest($2::int[], $3::text[]) on conflict do nothing",
        user.0,
        &projects,
        &kinds
    );
    add.execute(db).await.map(|_| ())
}

/// What is off.
pub(super) async fn off(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<(ProjectId, Subject)>> {
    let rows = sqlx::query!(r#"select project_id as "project: ProjectId", kind from personal_off where user_id = $1"#, user.0);
    Ok(rows.fetch_all(db).await?.into_iter().filter_map(|row| Some((row.project, Subject::parse(&row.kind)?))).collect())
}

/// Projects whose facts reach a person, by name: their own, and for administrators those that nobody is a member of.
pub(super) async fn projects(db: &mut PgConnection, user: UserId, limit: i64) -> sqlx::Result<Vec<(ProjectId, String)>> {
    // joins: projects, project_members, users
    let rows = sqlx::query!(
        r#"select p.project_id as "id: ProjectId", p.name from projects p
        where exists (select from project_members m where m.project_id = p.project_id and m.user_id = $1)
            or (not exists (select from project_members m where m.project_id = p.project_id)
                and exists (select from users u where u.user_id = $1 and u.is_admin))
        order by lower(p.name), p.project_id limit $2"#,
        user.0,
        limit
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Mutes an issue for a person.
pub(super) async fn mute(db: &mut PgConnection, user: UserId, issue: IssueId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into personal_mutes (project_id, issue_id, user_id, muted_at) values ($1, $2, $3, $4) on conflict do nothing",
        issue.project().0,
        issue.0,
        user.0,
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Takes that back.
pub(super) async fn unmute(db: &mut PgConnection, user: UserId, issue: IssueId) -> sqlx::Result<()> {
    sqlx::query!("delete from personal_mutes where project_id = $1 and issue_id = $2 and user_id = $3", issue.project().0, issue.0, user.0)
        .execute(db)
        .await
        .map(|_| ())
}

/// Issues that a person muted, the newest first, with their titles.
pub(super) async fn muted(db: &mut PgConnection, user: UserId, limit: i64) -> sqlx::Result<Vec<(IssueId, String)>> {
    // joins: issues
    let rows = sqlx::query!(
        r#"select m.issue_id as "issue: IssueId", i.title from personal_mutes m
        join issues i on i.project_id = m.project_id and i.issue_id = m.issue_id
        where m.user_id = $1 order by m.muted_at desc limit $2"#,
        user.0,
        limit
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.issue, row.title)).collect())
}

/// Projects of which something waits for a person, or a time is set for.
pub(super) async fn waiting(db: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<ProjectId>> {
    let rows = sqlx::query_scalar!(
        r#"select project_id as "project: ProjectId" from alert_paces where user_id = $1 and due_at is not null order by project_id"#,
        user.0
    );
    rows.fetch_all(db).await
}
