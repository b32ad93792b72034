//! `GET /projects`: the projects somebody may see, with what happens in them.

use std::collections::HashMap;

use axum::response::Response;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::accounts::{OurFault as _, Viewer};
use crate::platform::App;
use crate::platform::clock::hour_of;
use crate::web::pages::projects::{ProjectRow, ProjectsPage};
use crate::web::urls::IssueQuery;
use crate::web::{HttpError, When, html};

/// The page.
pub(super) async fn list(app: App, viewer: Viewer) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let ids: Vec<i32> = viewer.projects.iter().map(|project| project.id.0).collect();
    let counts = counts(&mut *app.db.acquire().await.ours()?, &ids, now).await.ours()?;
    let mut counts: HashMap<i32, Counts> = counts.into_iter().map(|counts| (counts.project_id, counts)).collect();
    let rows = viewer.projects.iter().filter_map(|project| {
        let counts = counts.remove(&project.id.0)?;
        Some(ProjectRow {
            name: project.name.clone(),
            slug: project.slug.clone(),
            platform: counts.platform,
            open_issues: counts.open_issues,
            events: counts.events,
            last_event: counts.last_event.map(|at| When::new(at, now)),
        })
    });
    let (rows, may_create) = (rows.collect(), viewer.is_admin);
    Ok(html(&ProjectsPage { shell: viewer.shell(&app, "Projects", IssueQuery::default()), rows, may_create }))
}

struct Counts {
    project_id: i32,
    platform: String,
    open_issues: i64,
    events: i64,
    last_event: Option<DateTime<Utc>>,
}

/// From counters and indexes only. The last event is the newest of each status, since the index begins with the status.
async fn counts(db: &mut PgConnection, projects: &[i32], now: DateTime<Utc>) -> sqlx::Result<Vec<Counts>> {
    let hour = hour_of(now);
    sqlx::query_as!(
        Counts,
        r#"select p.project_id, p.platform, -- joins: issues, project_hours
            (select count(*) from issues i where i.project_id = p.project_id and i.status = 'open') as "open_issues!",
            (select coalesce(sum(h.events), 0)::bigint from project_hours h
                where h.project_id = p.project_id and h.hour > $2 - 24 and h.hour <= $2) as "events!",
            coalesce((select max(newest.last_seen) from unnest(array['open', 'resolved', 'ignored']) as s (status)
                cross join lateral (select i.last_seen from issues i where i.project_id = p.project_id and i.status = s.status
                    order by i.last_seen desc limit 1) newest), p.first_event_at) as last_event
        from projects p where p.project_id = any($1)"#,
        projects,
        hour
    )
    .fetch_all(db)
    .await
}
