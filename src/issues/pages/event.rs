//! One event's stored JSON, and why it is where it is.

use anyhow::Context as _;
use axum::response::{IntoResponse as _, Response};
use http::header;
use serde_json::Value;
use sqlx::PgConnection;

use super::grouping_tree;
use super::show::decode;
use crate::accounts::{IssueId, OurFault as _, ProjectMember};
use crate::events::{self, StoredEvent, Trail, Which};
use crate::grouping::explain_changes;
use crate::issues::moving;
use crate::issues::view::GroupingPage;
use crate::platform::App;
use crate::projects;
use crate::web::urls::{self, IssueQuery};
use crate::web::{HttpError, Path, html};

/// `GET /issues/{issue}/events/{event}/json`: what is stored, pretty; frames are marked as they were when it came.
#[tracing::instrument(name = "issues.event_json", skip_all, fields(issue.id = %issue))]
pub(super) async fn json(app: App, _: ProjectMember, Path((issue, event)): Path<(IssueId, String)>) -> Result<Response, HttpError> {
    let (_, stored, event, _) = read(&app, issue, &event).await?;
    let text = serde_json::to_string_pretty(&event).context("a value does not print")?;
    // Shown in the browser, never as a page: the type is fixed, and a saved file has a harmless name.
    let name = format!("inline; filename=\"event-{}.json\"", stored.event_id.simple());
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CONTENT_DISPOSITION, &name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, text).into_response())
}

/// `GET /issues/{issue}/events/{event}/grouping`: every way the event was looked at, as trees.
#[tracing::instrument(name = "issues.event_grouping", skip_all, fields(issue.id = %issue))]
pub(super) async fn grouping(
    app: App,
    member: ProjectMember,
    Path((issue, event)): Path<(IssueId, String)>,
) -> Result<Response, HttpError> {
    let (issue, stored, mut event, rules) = read(&app, issue, &event).await?;
    let grouping = grouping_tree::group(&mut event, rules.as_ref());
    let short_id = issue.short_id(&member.project.short_prefix);
    let id = stored.event_id.simple().to_string();
    let query = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    Ok(html(&GroupingPage {
        shell: member.viewer.shell(&app, format!("Why one issue? · {short_id}"), query),
        issue_href: urls::event(issue, &id),
        event: id[..8].to_owned(),
        why: grouping_tree::why(&grouping, stored.hash),
        changes: explain_changes(&grouping),
        hashes: grouping_tree::hashes(&grouping, stored.hash),
        rules_href: urls::project_rules(&member.project.slug),
        variants: grouping_tree::variants(&grouping, &member.project.slug),
        short_id,
    }))
}

/// Where an event is now, if that is another issue: the event's own was merged, or the event was split out of it.
pub(super) async fn moved_to(db: &mut PgConnection, issue: IssueId, which: Which) -> sqlx::Result<Option<IssueId>> {
    let now = match which {
        Which::Id(event) => events::issue_of(db, &[issue.project().0], event).await?,
        Which::First | Which::Latest => None,
    };
    match now.filter(|now| *now != issue) {
        Some(now) => Ok(Some(now)),
        None => moving::merged_into(db, issue).await,
    }
}

/// The event, unpacked, its project's grouping rules, and the issue that it is in now: old addresses lead there.
pub(super) async fn read(app: &App, issue: IssueId, event: &str) -> Result<(IssueId, StoredEvent, Value, Option<Value>), HttpError> {
    let which = event.parse().map_err(|_| HttpError::NotFound)?;
    let mut db = app.db.acquire().await.ours()?;
    let (mut issue, mut stored) = (issue, Trail::of(&mut db, issue).await.ours()?.find(&mut db, which).await.ours()?);
    if stored.is_none()
        && let Some(now) = moved_to(&mut db, issue, which).await.ours()?
    {
        (issue, stored) = (now, Trail::of(&mut db, now).await.ours()?.find(&mut db, which).await.ours()?);
    }
    let stored = stored.ok_or(HttpError::NotFound)?;
    let rules = projects::grouping_rules(&mut db, issue.project()).await.ours()?;
    let event = decode(issue, &stored).context("a stored event cannot be read")?;
    Ok((issue, stored, event, rules))
}
