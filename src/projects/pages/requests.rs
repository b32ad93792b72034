//! `/projects/{slug}/requests` and `/requests`: what was refused or left out lately.

use axum::response::Response;
use serde_json::Value;

use crate::accounts::{OurFault as _, ProjectMember, Viewer, VisibleProject};
use crate::platform::App;
use crate::projects::recent::{self, Shown};
use crate::protocol::Category;
use crate::web::pages::requests::{Missing, RequestRow, RequestsPage};
use crate::web::urls::IssueQuery;
use crate::web::{HttpError, When, html};

/// A project's.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    page(&app, &member.viewer, Some(&member.project)).await
}

/// Nobody's.
pub(super) async fn nobodys(app: App, viewer: Viewer) -> Result<Response, HttpError> {
    page(&app, &viewer, None).await
}

async fn page(app: &App, viewer: &Viewer, project: Option<&VisibleProject>) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let shown = recent::list(&mut *app.db.acquire().await.ours()?, project.map(|project| project.id), now).await.ours()?;
    let slug = project.map(|project| project.slug.clone()).unwrap_or_default();
    let title = if project.is_some() { "Recent requests" } else { "Requests of unknown keys" };
    Ok(html(&RequestsPage {
        shell: viewer.shell(app, title, IssueQuery { project: slug.clone(), ..IssueQuery::default() }),
        name: project.map(|project| project.name.clone()).unwrap_or_default(),
        slug,
        rows: shown.into_iter().map(|shown| row(shown, now)).collect(),
        kept: recent::KEPT,
        days: recent::KEPT_DAYS,
        is_admin: viewer.is_admin,
    }))
}

fn row(shown: Shown, now: chrono::DateTime<chrono::Utc>) -> RequestRow {
    let missing: Vec<Missing> = shown.left_out.as_array().into_iter().flatten().filter_map(missing).collect();
    let mut row = RequestRow::new(When::new(shown.last_at, now), When::new(shown.first_at, now), shown.repeats);
    (row.endpoint, row.status, row.dsn) = (shown.endpoint, shown.status, shown.dsn);
    (row.client, row.address, row.detail) = (shown.client, shown.address, shown.detail);
    row.with_reasons(&shown.refusal, &missing)
}

/// `[category, outcome, reason, quantity]`.
fn missing(stored: &Value) -> Option<Missing> {
    Some(Missing {
        category: Category::from_id(i16::try_from(stored.get(0)?.as_i64()?).ok()?),
        outcome: stored.get(1)?.as_str()?.to_owned(),
        reason: stored.get(2)?.as_str()?.to_owned(),
        quantity: stored.get(3)?.as_i64()?,
    })
}
