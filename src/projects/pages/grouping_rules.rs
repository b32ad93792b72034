//! `/projects/{slug}/settings/grouping`: which events are the same bug. A text with a fault in it is not saved.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use sqlx::PgConnection;

use super::grouping_version;
use super::noise;
use super::text::area;
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::grouping::{Config, RuleErrors};
use crate::platform::App;
use crate::projects::{GroupingRules, queries};
use crate::web::pages::grouping_rules::{GroupingRulesPage, RulesText};
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, html, html_with};

/// Longest text in bytes: rules are compared with every event.
const MAX_BYTES: usize = 64 * 1024;

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let noise = noise::places(&app, &mut db, &member.project, member.viewer.is_admin).await.ours()?;
    drop(db);
    let rules = stored(&app, &member).await?;
    let (rules, found) = compiled(rules).await?;
    let (errors, warnings) = match found {
        Ok(config) => (RuleErrors::default(), config.warnings().clone()),
        Err(errors) => (errors, RuleErrors::default()),
    };
    Ok(html(&GroupingRulesPage { noise, ..page(&app, &member, &rules, (&errors, &warnings)) }))
}

pub(super) async fn stored(app: &App, member: &ProjectMember) -> Result<GroupingRules, HttpError> {
    queries::saved_rules(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()
}

/// Saves the texts, or shows them again with what is wrong. The version is chosen by a form of its own.
pub(super) async fn change(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    if let Some(version) = fields.get("version") {
        return grouping_version::change(&app, &member, version).await;
    }
    let rules = typed(&app, &member, &fields).await?;
    save(&app, &mut *app.db.acquire().await.ours()?, &member, rules).await
}

/// The project's rules with the texts of the form.
pub async fn typed(app: &App, member: &ProjectMember, fields: &Fields) -> Result<GroupingRules, HttpError> {
    let (stack_trace_rules, fingerprint_rules) = (area(fields, "stack_trace_rules")?, area(fields, "fingerprint_rules")?);
    Ok(GroupingRules { stack_trace_rules, fingerprint_rules, ..stored(app, member).await? })
}

/// Good rules and what they compile to; of others the page that says at which line and column they are wrong.
pub async fn checked(
    app: &App,
    member: &ProjectMember,
    rules: GroupingRules,
) -> Result<Result<(GroupingRules, Config), Response>, HttpError> {
    let none = RuleErrors::default();
    let mut too_long = FieldErrors::default();
    for (field, text) in [("stack_trace_rules", &rules.stack_trace_rules), ("fingerprint_rules", &rules.fingerprint_rules)] {
        if text.len() > MAX_BYTES {
            too_long = too_long.with(field, format!("The text has {} KB; {} KB are allowed.", text.len() / 1024, MAX_BYTES / 1024));
        }
    }
    let refused = |page: &GroupingRulesPage| Ok(Err(html_with(StatusCode::UNPROCESSABLE_ENTITY, page)));
    if !too_long.is_empty() {
        return refused(&GroupingRulesPage { errors: too_long, ..page(app, member, &rules, (&none, &none)) });
    }
    let (rules, compiled) = compiled(rules).await?;
    match compiled {
        Ok(config) => Ok(Ok((rules, config))),
        Err(errors) => refused(&page(app, member, &rules, (&errors, &none))),
    }
}

/// Saves rules that are good, in the caller's transaction; an answer that redirects says that they are.
pub async fn save(app: &App, db: &mut PgConnection, member: &ProjectMember, rules: GroupingRules) -> Result<Response, HttpError> {
    let (rules, config) = match checked(app, member, rules).await? {
        Ok(good) => good,
        Err(refused) => return Ok(refused),
    };
    // The version is not this form's to change: somebody may have moved the project meanwhile.
    let texts = json!({"stack_trace_rules": rules.stack_trace_rules, "fingerprint_rules": rules.fingerprint_rules});
    if !queries::change_settings(db, member.project.id, "grouping", &texts).await.ours()? {
        return Err(HttpError::NotFound);
    }
    let flash = if config.warnings().is_empty() {
        Flash::done(
            "Saved. Events are grouped so from now on; those that are stored already follow when you apply the rules under Stored events.",
        )
    } else {
        Flash::warning("Saved, and events are grouped so from now on. Some of it is of no use: see below the text.")
    };
    Ok(see_other(&urls::project_grouping(&member.project.slug), &flash))
}

/// The rules, and what they compile to. Many globs take their time, so not on the server's own threads.
async fn compiled(rules: GroupingRules) -> Result<(GroupingRules, Result<Config, RuleErrors>), HttpError> {
    let work = move || {
        let compiled = Config::with_rules(rules.version, &rules.stack_trace_rules, &rules.fingerprint_rules);
        (rules, compiled)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| HttpError::Internal(error.into()))
}

fn page(app: &App, member: &ProjectMember, rules: &GroupingRules, (errors, warnings): (&RuleErrors, &RuleErrors)) -> GroupingRulesPage {
    let (viewer, project) = (&member.viewer, &member.project);
    GroupingRulesPage {
        shell: viewer.shell(app, "Grouping rules", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        may_change: viewer.is_admin,
        version: grouping_version::view(rules, app.clock.now()),
        stack_trace: RulesText::new(&rules.stack_trace_rules, &errors.stack_trace_rules, &warnings.stack_trace_rules),
        fingerprint: RulesText::new(&rules.fingerprint_rules, &errors.fingerprint_rules, &warnings.fingerprint_rules),
        noise: Vec::new(),
        errors: FieldErrors::default(),
    }
}
