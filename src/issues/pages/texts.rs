//! Issues and events at stable addresses for programs, chats and language models: JSON and Markdown.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::event::read;
use super::show::decode;
use crate::accounts::{IssueId, OurFault as _, ProjectMember};
use crate::events::tag_stats::TagValues;
use crate::events::view::EventView;
use crate::events::{Trail, Which};
use crate::issues::moving;
use crate::issues::queries::show::{self, Facts};
use crate::issues::view::markdown::{Told, text};
use crate::platform::App;
use crate::platform::db::Db;
use crate::web::{HttpError, Path, urls};

/// Values told of one tag.
const VALUES: usize = 20;

/// `GET /issues/{issue}/json`: what is counted and known of the issue.
#[tracing::instrument(name = "issues.json", skip_all, fields(issue.id = %issue))]
pub(super) async fn issue_json(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    let (issue, facts) = found(&app.db, issue).await?;
    let tags = show::tags(&mut *app.db.acquire().await.ours()?, issue).await.ours()?;
    let known = json!({
        "id": issue.to_string(),
        "short_id": issue.short_id(&member.project.short_prefix),
        "project": member.project.slug,
        "title": facts.title,
        "culprit": facts.culprit,
        "level": facts.level,
        "status": facts.status,
        "events": facts.event_count,
        "users": facts.user_count,
        "first_seen": facts.first_seen,
        "first_release": facts.first_release,
        "last_seen": facts.last_seen,
        "last_release": facts.last_release,
        "tags": tags.iter().map(|(key, values)| (key.clone(), tag(values))).collect::<Map<_, _>>(),
        "url": app.absolute(&urls::issue(issue)),
        "latest_event_url": app.absolute(&urls::event_json(issue, "latest")),
    });
    let text = format!("{known:#}\n");
    Ok(([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response())
}

fn tag(values: &TagValues) -> Value {
    let kept = values.values.iter().take(VALUES).map(|(value, events)| json!({"value": value, "events": events}));
    json!({"events": values.total, "values": kept.collect::<Vec<_>>()})
}

/// `GET /issues/{issue}/md`: the issue and its latest event.
#[tracing::instrument(name = "issues.markdown", skip_all, fields(issue.id = %issue))]
pub(super) async fn issue_markdown(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    let (issue, facts) = found(&app.db, issue).await?;
    let mut db = app.db.acquire().await.ours()?;
    let stored = Trail::of(&mut db, issue).await.ours()?.find(&mut db, Which::Latest).await.ours()?;
    drop(db);
    let decoded = stored.as_ref().map(|stored| decode(issue, stored));
    let view = match &decoded {
        Some(Ok(event)) => Ok(EventView::new(event, app.clock.now())),
        Some(Err(_)) => Err("Its latest event cannot be read."),
        None => Err("Its events are not stored any more."),
    };
    let link = app.absolute(&urls::issue(issue));
    let short_id = issue.short_id(&member.project.short_prefix);
    let told = Told { short_id: &short_id, project: &member.project.name, facts: &facts, link: &link };
    Ok(markdown(&text(&told, view.as_ref().map_err(|why| *why)), &short_id))
}

/// `GET /issues/{issue}/events/{event}/md`: the issue and this event.
#[tracing::instrument(name = "issues.event_markdown", skip_all, fields(issue.id = %issue))]
pub(super) async fn event_markdown(
    app: App,
    member: ProjectMember,
    Path((issue, event)): Path<(IssueId, String)>,
) -> Result<Response, HttpError> {
    let (issue, stored, event, _) = read(&app, issue, &event).await?;
    let (issue, facts) = found(&app.db, issue).await?;
    let link = app.absolute(&urls::event(issue, stored.event_id.simple()));
    let short_id = issue.short_id(&member.project.short_prefix);
    let told = Told { short_id: &short_id, project: &member.project.name, facts: &facts, link: &link };
    Ok(markdown(&text(&told, Ok(&EventView::new(&event, app.clock.now()))), &short_id))
}

/// The issue, or the one it was merged into.
async fn found(db: &Db, issue: IssueId) -> Result<(IssueId, Facts), HttpError> {
    let mut db = db.acquire().await.ours()?;
    let into = moving::merged_into(&mut db, issue).await.ours()?.unwrap_or(issue);
    Ok((into, show::facts(&mut db, into).await.ours()?.ok_or(HttpError::NotFound)?))
}

/// Markdown that every browser shows, and never as a page.
fn markdown(text: &str, short_id: &str) -> Response {
    named(("text/plain; charset=utf-8", "inline"), (short_id, ".md"), text.to_owned())
}

/// A text of this type that is shown, or saved, under the short id and what follows it.
pub(super) fn named((kind, how): (&'static str, &'static str), (short_id, ending): (&str, &str), text: String) -> Response {
    let name: String = short_id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let disposition = HeaderValue::from_str(&format!("{how}; filename=\"{name}{ending}\"")).unwrap_or(HeaderValue::from_static(how));
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, disposition)], text).into_response()
}
