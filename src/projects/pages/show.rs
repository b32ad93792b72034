//! `GET /projects/{slug}`: DSN, snippets, and whether anything has arrived; and the question that the page asks while it waits.

use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use http::header;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use url::{Host, Url};

use crate::accounts::{OurFault as _, ProjectId, ProjectMember};
use crate::platform::App;
use crate::projects::{dsn, queries};
use crate::protocol::{DsnId, PublicKey};
use crate::web::pages::project::ProjectPage;
use crate::web::urls::IssueQuery;
use crate::web::{HttpError, Query, When, html};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ShowQuery {
    platform: String,
}

/// The page.
pub(super) async fn show(app: App, member: ProjectMember, Query(query): Query<ShowQuery>) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let project = &member.project;
    let mut db = app.db.acquire().await.ours()?;
    let found = queries::shown(&mut db, project.id).await.ours()?.ok_or(HttpError::NotFound)?;
    let last_event = last_event(&mut db, project.id).await.ours()?.or(found.first_event_at);
    let printed = found.public_key.zip(DsnId::new(found.dsn_id));
    let shell = member.viewer.shell(&app, &project.name, IssueQuery { project: project.slug.clone(), ..IssueQuery::default() });
    Ok(html(&ProjectPage {
        shell,
        name: project.name.clone(),
        slug: project.slug.clone(),
        dsn: printed.map(|(key, id)| dsn(&app.url, PublicKey::new(key.as_u128()), id)),
        platform: if query.platform.is_empty() { found.platform } else { query.platform },
        last_event: last_event.map(|at| When::new(at, now)),
        dsn_is_local: is_local(&app.url),
    }))
}

/// `{"waiting": bool, "href": "…"}`.
pub(super) async fn waiting(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let waiting = last_event(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()?.is_none();
    let href = IssueQuery { project: member.project.slug, ..IssueQuery::default() }.url();
    let body = json!({"waiting": waiting, "href": href}).to_string();
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

/// When the newest event of the project's issues was.
async fn last_event(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"select max(newest.last_seen) from unnest(array['open', 'resolved', 'ignored']) as s (status) -- joins: issues
        cross join lateral (select i.last_seen from issues i where i.project_id = $1 and i.status = s.status
            order by i.last_seen desc limit 1) newest"#,
        project.0
    )
    .fetch_one(db)
    .await
}

/// Whether only programs on this machine reach the address.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_only_are_told_from_others() {
        for (url, local) in [
            ("http://127.0.0.1:8000", true),
            ("http://localhost:8000", true),
            ("http://a.localhost", true),
            ("http://[::1]:8000", true),
            ("http://0.0.0.0:8000", true),
            ("http://192.168.1.7:8000", false),
            ("https://errors.example", false),
        ] {
            assert_eq!(is_local(&url.parse().unwrap()), local, "{url}");
        }
    }
}
