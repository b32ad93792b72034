//! `/projects/{slug}/regroup`: new rules and stored events: a preview, applying them, undoing that.

use std::convert::Infallible;

use askama::Template as _;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use chrono::TimeDelta;
use futures_util::stream;
use http::{StatusCode, header};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tokio::sync::{Semaphore, mpsc};

use super::correct::{act, refused};
use crate::accounts::{IssueId, OurFault as _, ProjectMember, see_other};
use crate::issues::regroup::plan::{Changes, Piece};
use crate::issues::regroup::{self, Refused, Regrouping, Sample, State};
use crate::issues::view::regroup::{ChangeRow, ChangesView, MARK, PieceRow, PreviewPage, RegroupPage, RuleTexts, RunRow};
use crate::platform::App;
use crate::platform::telemetry::chain;
use crate::projects;
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, Path, When, html, number};

/// A preview holds a connection and a core for seconds: a process makes one at a time.
static PREVIEW: Semaphore = Semaphore::const_new(1);

/// Events of a preview.
const NEWEST: i64 = 10_000;
/// How long a preview looks at events.
const PATIENCE: TimeDelta = TimeDelta::seconds(20);
/// Changes that are shown, and pieces of each.
const SHOWN: usize = 50;
const PIECES: usize = 8;
/// Corrections that are listed.
const RUNS: i64 = 10;

fn query(member: &ProjectMember) -> IssueQuery {
    IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() }
}

/// What was done so far, and the button that begins.
#[tracing::instrument(name = "regroup.show", skip_all)]
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let runs = regroup::latest(&mut *app.db.acquire().await.ours()?, member.project.id, RUNS).await.ours()?;
    Ok(html(&RegroupPage {
        shell: member.viewer.shell(&app, "Stored events", query(&member)),
        name: member.project.name.clone(),
        slug: member.project.slug.clone(),
        may_change: member.viewer.is_admin,
        runs: runs.iter().map(|run| row(run, &member.project.short_prefix, When::new(run.made_at, now))).collect(),
    }))
}

fn row(run: &Regrouping, prefix: &str, at: When) -> RunRow {
    let (looked, moved) = (number::counted(run.looked_at, "event"), number::counted(run.moved, "event"));
    let state = match run.state {
        State::Planning => format!("Planning: {looked} looked at; nothing is changed yet"),
        State::Moving => format!("Moving: {looked} looked at, {moved} moved"),
        State::Settling => format!("Counting users and times again; {moved} moved"),
        State::Done => format!("Done: {moved} moved"),
        State::Confirmed => format!("Confirmed: {moved} moved"),
        State::Undoing => format!("Going back: {looked} looked at"),
        State::Unsettling => "Going back: counting users and times again".to_owned(),
        State::Undone => "Undone".to_owned(),
        State::Failed => "Failed before anything was changed".to_owned(),
    };
    let of = run.issue.map_or_else(|| "All events".to_owned(), |issue| format!("Events of {}", issue.short_id(prefix)));
    RunRow { id: run.id, at, of, state, is_done: run.state == State::Done, may_undo: run.may_undo(), is_active: run.state.is_active() }
}

/// Commits what was begun, and says so on the page of stored events; a refusal stands there instead.
async fn told<T>(
    member: &ProjectMember,
    tx: Transaction<'_, Postgres>,
    begun: Result<T, Refused>,
    done: &str,
) -> Result<Response, HttpError> {
    let flash = match begun {
        Ok(_) => {
            tx.commit().await.ours()?;
            Flash::done(done)
        }
        Err(error) => refused(error)?,
    };
    Ok(see_other(&urls::project_regroup(&member.project.slug), &flash))
}

/// Begins to apply the saved rules.
#[tracing::instrument(name = "regroup.apply", skip_all)]
pub(super) async fn apply(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let project = member.project.id;
    let mut tx = app.db.begin().await.ours()?;
    let rules = projects::grouping_rules(&mut tx, project).await.ours()?.unwrap_or_else(|| json!({}));
    let begun = regroup::apply_rules(&mut tx, (project, None), &rules, act(&app, &member.viewer)).await;
    told(&member, tx, begun, "Begun: stored events are grouped by the saved rules.").await
}

/// Undoes what was applied.
#[tracing::instrument(name = "regroup.undo", skip_all)]
pub(super) async fn undo(app: App, member: ProjectMember, Path((_, id)): Path<(String, i64)>) -> Result<Response, HttpError> {
    let mut tx = app.db.begin().await.ours()?;
    let begun = regroup::undo(&mut tx, member.project.id, id, act(&app, &member.viewer)).await;
    let added = begun.as_ref().ok().and_then(|run| run.rules[regroup::ADDED].as_str().map(str::to_owned));
    let Some(added) = added else {
        let done = "Stored events go back to where they were. The rules stay as they are saved: change them on their page.";
        return told(&member, tx, begun, done).await;
    };
    let saved = projects::saved_rules(&mut tx, member.project.id).await.ours()?;
    let answer = projects::save_rules(&app, &mut tx, &member, saved.without(&added)).await?;
    if !answer.status().is_redirection() {
        return Ok(answer);
    }
    told(&member, tx, begun, "Stored events go back to where they were, and the rule that was added is taken away.").await
}

/// Lets it stay.
#[tracing::instrument(name = "regroup.confirm", skip_all)]
pub(super) async fn confirm(app: App, member: ProjectMember, Path((_, id)): Path<(String, i64)>) -> Result<Response, HttpError> {
    let mut tx = app.db.begin().await.ours()?;
    let begun = regroup::confirm(&mut tx, member.project.id, id, act(&app, &member.viewer)).await;
    told(&member, tx, begun, "Confirmed: it stays.").await
}

/// What the rules in the form would change among the newest stored events. Sent as it is found: first the page, then how far it is, then the
/// result.
#[tracing::instrument(name = "regroup.preview", skip_all)]
pub(super) async fn preview(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let rules = match fields.get("rule") {
        // One rule before those that are saved.
        Some(rule) => {
            let saved = projects::saved_rules(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()?;
            saved.with_first(rule.trim())
        }
        None => projects::typed_rules(&app, &member, &fields).await?,
    };
    let (rules, config) = match projects::checked_rules(&app, &member, rules).await? {
        Ok(good) => good,
        Err(refused) => return Ok(refused),
    };
    let texts =
        fields.get("rule").is_none().then_some(RuleTexts { stack_trace: rules.stack_trace_rules, fingerprint: rules.fingerprint_rules });
    let Ok(permit) = PREVIEW.try_acquire() else {
        let busy = "Another preview is being made, which takes up to 20 seconds: go back and try again then.";
        return Err(HttpError::Invalid(FieldErrors::general(busy.to_owned())));
    };
    let page = PreviewPage {
        shell: member.viewer.shell(&app, "Preview of grouping rules", query(&member)),
        name: member.project.name.clone(),
        slug: member.project.slug.clone(),
        texts,
    };
    let page = page.render().map_err(|error| HttpError::Internal(error.into()))?;
    let (before, after) = page.split_once(MARK).unwrap_or((&page, ""));
    let (send, receive) = mpsc::channel::<String>(8);
    let (before, after) = (before.to_owned(), after.to_owned());
    let prefix = member.project.short_prefix.clone();
    let project = member.project.id;
    let work = async move {
        let _ = send.send(before).await;
        let until = app.clock.now() + PATIENCE;
        let sample = Sample { project, issue: None, newest: Some(NEWEST) };
        let told = |looked: i64| {
            let line = format!("<p>{} of the newest {} looked at …</p>\n", number::counted(looked, "event"), number::count(NEWEST));
            // Whoever went away needs no more; a slow reader misses a line.
            !matches!(send.try_send(line), Err(mpsc::error::TrySendError::Closed(_))) && app.clock.now() < until
        };
        let found = async { anyhow::Ok(regroup::dry_run(&mut *app.db.acquire().await?, sample, &config, told).await?) }.await;
        let result = match found {
            Ok(changes) => view(&changes, &prefix).render().unwrap_or_default(),
            Err(error) => {
                tracing::error!("a preview of grouping rules failed: {}", chain(&error));
                "<p>The preview failed; the server's log says why.</p>".to_owned()
            }
        };
        drop(permit);
        let _ = send.send(result + &after).await;
    };
    // The work goes on only while somebody reads: it is polled with the body.
    let body = stream::unfold((Box::pin(work), receive, false), |(mut work, mut receive, mut is_done)| async move {
        loop {
            tokio::select! {
                biased;
                line = receive.recv() => return line.map(|line| (Ok::<_, Infallible>(Bytes::from(line)), (work, receive, is_done))),
                () = &mut work, if !is_done => is_done = true,
            }
            if is_done {
                receive.close();
            }
        }
    });
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_ENCODING, "identity"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, Body::from_stream(body)).into_response())
}

fn view(changes: &Changes, prefix: &str) -> ChangesView {
    let events = number::counted(changes.events, "stored event");
    let summary = if changes.merges.is_empty() && changes.splits.is_empty() {
        format!("Nothing would change among the newest {events}.")
    } else {
        format!(
            "Among the newest {events}: {} before, {} after; {} would move.",
            number::counted(changes.issues_before as i64, "issue"),
            number::count(changes.issues_after as i64),
            number::counted(changes.moved, "event")
        )
    };
    let name = |issue: Option<IssueId>| issue.map_or_else(|| "a new issue".to_owned(), |issue| issue.short_id(prefix));
    let row = |pieces: &Vec<Piece>, head: String, named: &dyn Fn(&Piece) -> Option<IssueId>| ChangeRow {
        head,
        pieces: pieces
            .iter()
            .take(PIECES)
            .map(|piece| PieceRow {
                name: name(named(piece)),
                href: urls::event(piece.from, piece.sample.simple()),
                title: piece.title.clone(),
                events: piece.events,
            })
            .collect(),
        more: more(pieces.len(), PIECES),
    };
    let merges = changes.merges.iter().take(SHOWN);
    let splits = changes.splits.iter().take(SHOWN);
    let left = changes.merges.len().saturating_sub(SHOWN) + changes.splits.len().saturating_sub(SHOWN);
    ChangesView {
        summary,
        merges: merges.map(|p| row(p, format!("Become {}", name(p.first().and_then(|p| p.into))), &|piece| Some(piece.from))).collect(),
        splits: splits.map(|p| row(p, format!("{} comes apart", name(p.first().map(|p| p.from))), &|piece| piece.into)).collect(),
        more: more(left + SHOWN, SHOWN),
    }
}

/// "and 3 more"; nothing when all are shown.
fn more(all: usize, shown: usize) -> String {
    if all > shown { format!("and {} more", number::count((all - shown) as i64)) } else { String::new() }
}
