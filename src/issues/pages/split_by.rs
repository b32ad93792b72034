//! `/issues/{issue}/split-by`: where one hash holds two bugs, a property that tells them apart becomes a rule.

use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};

use super::correct::{act, refused};
use crate::accounts::{IssueId, OurFault as _, ProjectMember, see_other};
use crate::events::moving::last_of_issue;
use crate::events::payload;
use crate::events::summary::Summary;
use crate::grouping::Config;
use crate::issues::moving::merged_into;
use crate::issues::regroup;
use crate::issues::split_by::{Choice, Sampled, choices};
use crate::issues::view::split_by::{ChoiceRow, SplitByPage};
use crate::platform::App;
use crate::projects;
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, Path, html, number};

/// Events that are looked at: the newest ones.
const SAMPLE: i64 = 100;
/// Parts whose sizes are told.
const PARTS: usize = 5;

/// The properties by which the newest events differ.
#[tracing::instrument(name = "issues.split_by", skip_all, fields(issue.id = %issue))]
pub(super) async fn show(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    if let Some(into) = merged_into(&mut db, issue).await.ours()? {
        return Ok(Redirect::to(&urls::issue_action(into, "split-by")).into_response());
    }
    let events = last_of_issue(&mut db, issue, SAMPLE).await.ours()?;
    let rules = projects::saved_rules(&mut db, member.project.id).await.ours()?;
    drop(db);
    let work = move || {
        let read = |payload: &Vec<u8>| payload::decode(payload).ok();
        let events = events.iter().filter_map(read).map(|event: Value| Sampled { summary: Summary::of(&event), event });
        let sample: Vec<Sampled> = events.collect();
        (sample.len(), choices(&sample, &rules))
    };
    // Every choice groups the sample: not on the server's own threads.
    let (events, choices) = tokio::task::spawn_blocking(work).await.map_err(|error| HttpError::Internal(error.into()))?;
    let short_id = issue.short_id(&member.project.short_prefix);
    let query = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    Ok(html(&SplitByPage {
        shell: member.viewer.shell(&app, format!("Split {short_id}"), query),
        issue: issue.to_string(),
        slug: member.project.slug.clone(),
        may_change: member.viewer.is_admin,
        looked: number::counted(events as i64, "event"),
        choices: choices.into_iter().map(row).collect(),
        short_id,
    }))
}

fn row(choice: Choice) -> ChoiceRow {
    let mut sizes = choice.parts.iter().take(PARTS).map(|events| number::count(*events as i64)).collect::<Vec<_>>().join(" + ");
    if choice.parts.len() > PARTS {
        sizes.push_str(" + …");
    }
    ChoiceRow {
        parts: format!("{}: {sizes} events", number::counted(choice.parts.len() as i64, "part")),
        words: choice.words,
        rule: choice.rule,
    }
}

/// Puts the rule before the project's own, and applies them all to the stored events of this issue.
#[tracing::instrument(name = "issues.split_by_rule", skip_all, fields(issue.id = %issue))]
pub(super) async fn apply(app: App, member: ProjectMember, Path(issue): Path<IssueId>, fields: Fields) -> Result<Response, HttpError> {
    let rule = fields.get("rule").unwrap_or_default().trim();
    if rule.is_empty() || rule.contains('\n') {
        return Err(HttpError::Invalid(FieldErrors::general("Choose one of the rules.".to_owned())));
    }
    let project = member.project.id;
    let mut tx = app.db.begin().await.ours()?;
    let saved = projects::saved_rules(&mut tx, project).await.ours()?;
    let rules = saved.with_first(rule);
    let mut applied = projects::grouping_rules(&mut tx, project).await.ours()?.filter(Value::is_object).unwrap_or_else(|| json!({}));
    applied["fingerprint_rules"] = json!(rules.fingerprint_rules);
    if rules != saved {
        applied[regroup::ADDED] = json!(rule);
    }
    // The rule is saved only when it can be applied; what is wrong with it, its own form says.
    if Config::from_json(&applied).is_ok()
        && let Err(error) = regroup::apply_rules(&mut tx, (project, Some(issue)), &applied, act(&app, &member.viewer)).await
    {
        return Ok(see_other(&urls::issue(issue), &refused(error)?));
    }
    let answer = projects::save_rules(&app, &mut tx, &member, rules).await?;
    if !answer.status().is_redirection() {
        return Ok(answer);
    }
    tx.commit().await.ours()?;
    let text =
        "The rule is saved for later events, and the stored ones come apart within moments. Undo both under Grouping rules, Stored events.";
    Ok(see_other(&urls::issue(issue), &Flash::done(text)))
}
