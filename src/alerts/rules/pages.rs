//! `/projects/{slug}/alerts`: the rules, and the form of one.

use axum::response::Response;
use http::StatusCode;
use sqlx::PgConnection;

use super::form::Typed;
use super::model::{Action, Rule};
use super::trial::{self, Decided, Trial, trial};
use super::{decide, kinds, queries, typed};
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::alerts::gather::{self, Addressee, Recipient};
use crate::alerts::queries::facts as issue_facts;
use crate::platform::App;
use crate::projects::MailSettings;
use crate::web::pages::alert_rule::{AlertRulePage, RecipientChoice, TrialRow, TrialView};
use crate::web::pages::alerts::{AlertsPage, FactSwitch, RuleLine};
use crate::web::urls::{self, IssueQuery};
use crate::web::{Fields, Flash, HttpError, Link, Path, When, html, html_with, number};

/// Facts of a test that are shown.
const SHOWN: usize = 100;
/// In the address of a rule that is not there yet.
const NEW: &str = "new";

/// Mute, rules, and what is told otherwise.
#[tracing::instrument(name = "alerts.rules", skip_all)]
pub(super) async fn list(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let (viewer, project) = (&member.viewer, &member.project);
    let mut db = app.db.acquire().await.ours()?;
    let choices = queries::choices(&mut db, project.id).await.ours()?;
    let rules = queries::rules(&mut db, project.id).await.ours()?;
    let people = gather::addressees(&mut db, project.id).await.ours()?;
    let muted = match choices.mute.filter(|mute| mute.is_on(app.clock.now())) {
        Some(mute) => {
            let facts = queries::facts_since(&mut db, project.id, mute.since).await.ours()?;
            Some(format!("{}: {} so far, told to nobody.", mute.words(), number::counted(facts, "fact")))
        }
        None => None,
    };
    let count = rules.len();
    let line = |(at, rule): (usize, Rule)| RuleLine {
        id: rule.id.to_string(),
        number: at + 1,
        words: words(&rule, &people),
        name: rule.name,
        is_on: rule.is_on,
        is_last: at + 1 == count,
    };
    Ok(html(&AlertsPage {
        shell: viewer.shell(&app, "Alerts", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        may_change: viewer.is_admin,
        muted,
        rules: rules.into_iter().enumerate().map(line).collect(),
        facts: switches(choices.otherwise),
    }))
}

/// "When fact is spike: ana@example.org, at most once in an hour of one issue."
fn words(rule: &Rule, all: &[Addressee]) -> String {
    let definition = &rule.definition;
    let when = match typed::all_words(definition) {
        words if words.is_empty() => "Always".to_owned(),
        words => format!("When {words}"),
    };
    let named = |to: Recipient, gone: &str| all.iter().find(|one| one.recipient() == to).map_or_else(|| gone.to_owned(), Addressee::name);
    let name = |action: &Action| match action {
        Action::Everybody => "all members and channels".to_owned(),
        Action::Member(user) => named(Recipient::Person(*user), "somebody who is no member any more"),
        Action::Channel(channel) => named(Recipient::Channel(*channel), "a channel that is off or gone"),
    };
    let who = match definition.actions.as_slice() {
        [] => "nobody".to_owned(),
        actions => actions.iter().map(name).collect::<Vec<_>>().join(", "),
    };
    let often = match definition.minutes {
        0 => String::new(),
        minutes => format!(", of one issue at most once in {}", decide::span(minutes.into())),
    };
    format!("{when}: {who}{often}.")
}

fn switches(on: MailSettings) -> Vec<FactSwitch> {
    let switch = |id, title, hint, on| FactSwitch { id, title, hint, on };
    vec![
        switch("new_issues", "New issues", "The first event of an issue.", on.new_issues),
        switch("regressions", "Regressions", "An issue that was resolved comes back.", on.regressions),
        switch(
            "spikes",
            "Spikes and surges",
            "Many more events of an issue than are usual for it, or of many issues at once than are usual for the project, and when that is over.",
            on.spikes,
        ),
        switch("unignored", "Ignored no more", "An issue was ignored until something happens, and that has happened.", on.unignored),
        switch(
            "feedback",
            "New feedback",
            "Somebody writes. What comes within ten minutes of a mail is one mail more, with all of it.",
            on.feedback,
        ),
        switch("limits", "Limits", "A limit of the project or a key begins to drop something, and when that is over.", on.limits),
        switch(
            "noisy_places",
            "Noisy places",
            "A place that makes a new issue for nearly every event: one mail for all of them.",
            on.noisy_places,
        ),
        switch(
            "silence",
            "Silence",
            "Nothing comes any more of a project that had events all week long. A bug that was fixed is silent, too.",
            on.silence,
        ),
    ]
}

/// A form for a new rule.
pub(super) async fn blank(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    Ok(html(&page(&app, &mut *app.db.acquire().await.ours()?, (&member, NEW), (Typed::blank(), None)).await?))
}

/// One rule.
pub(super) async fn show(app: App, member: ProjectMember, Path((_, id)): Path<(String, i64)>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let rules = queries::rules(&mut db, member.project.id).await.ours()?;
    let rule = rules.into_iter().find(|rule| rule.id == id).ok_or(HttpError::NotFound)?;
    Ok(html(&page(&app, &mut db, (&member, &id.to_string()), (Typed::from_rule(&rule), None)).await?))
}

/// Adds a rule, or tests it.
pub(super) async fn add(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    submit(&app, &member, None, &fields).await
}

/// Changes a rule, or tests the change.
pub(super) async fn change(
    app: App,
    member: ProjectMember,
    Path((_, id)): Path<(String, i64)>,
    fields: Fields,
) -> Result<Response, HttpError> {
    submit(&app, &member, Some(id), &fields).await
}

async fn submit(app: &App, member: &ProjectMember, id: Option<i64>, fields: &Fields) -> Result<Response, HttpError> {
    let (project, now) = (member.project.id, app.clock.now());
    let mut typed = Typed::from_form(fields);
    let address = id.map_or_else(|| NEW.to_owned(), |id| id.to_string());
    let mut db = app.db.acquire().await.ours()?;
    let what = fields.get("do").unwrap_or("save");
    if what == "more" {
        return Ok(html(&page(app, &mut db, (member, &address), (typed, None)).await?));
    }
    let Some(rule) = typed.rule(id.unwrap_or_default(), what != "test") else {
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(app, &mut db, (member, &address), (typed, None)).await?));
    };
    if what == "test" {
        let trial = trial(&mut db, project, rule, now).await.map_err(HttpError::Internal)?;
        let view = view(app, &mut db, member, trial).await?;
        return Ok(html(&page(app, &mut db, (member, &address), (typed, Some(view))).await?));
    }
    let list = urls::project_alerts(&member.project.slug);
    let done = match id {
        Some(_) => queries::change(&mut db, project, &rule, now).await.ours()?,
        None => queries::add(&mut db, project, &rule, now).await.ours()?.is_some(),
    };
    let flash = match (done, id) {
        (true, _) => Flash::done(format!("Saved. “{}” decides from now on where it is the first that matches.", rule.name)),
        (false, Some(_)) => Flash::warning("That rule is gone."),
        (false, None) => Flash::warning(format!("A project has at most {} rules. Delete one first.", queries::MOST)),
    };
    Ok(see_other(&list, &flash))
}

async fn page(
    app: &App,
    db: &mut PgConnection,
    (member, id): (&ProjectMember, &str),
    (typed, trial): (Typed, Option<TrialView>),
) -> Result<AlertRulePage, HttpError> {
    let (viewer, project) = (&member.viewer, &member.project);
    let all = gather::addressees(db, project.id).await.ours()?;
    let choice = |one: Addressee| {
        let (field, id) = match one.recipient() {
            Recipient::Person(user) => ("person", user.0),
            Recipient::Channel(channel) => ("channel", channel.0),
        };
        RecipientChoice { field, id: id.to_string(), name: one.name(), on: typed.chosen.contains(&one.recipient()) }
    };
    Ok(AlertRulePage {
        shell: viewer.shell(app, "Alerts", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        id: id.to_owned(),
        may_change: viewer.is_admin,
        groups: typed.rows(),
        recipients: all.into_iter().map(choice).collect(),
        rule_name: typed.name,
        is_on: typed.is_on,
        all: typed.all,
        who: typed.who,
        minutes: typed.minutes,
        errors: typed.errors,
        trial,
    })
}

async fn view(app: &App, db: &mut PgConnection, member: &ProjectMember, trial: Trial) -> Result<TrialView, HttpError> {
    let summary = summary(&trial);
    let mut rows = Vec::new();
    for decided in trial.decided.into_iter().take(SHOWN) {
        let facts = match decided.issue {
            Some(issue) => issue_facts(db, issue).await.ours()?,
            None => None,
        };
        rows.push(row(app, &member.project.short_prefix, decided, facts.map(|facts| facts.title)));
    }
    Ok(TrialView { summary, rows })
}

fn summary(trial: &Trial) -> String {
    if trial.facts == 0 {
        return format!("Nothing that people are told of has happened within {} days.", trial::DAYS);
    }
    let messages: usize = trial.decided.iter().map(|decided| decided.routed.told.len()).sum();
    let silent = trial.decided.iter().filter(|decided| decided.routed.told.is_empty()).count();
    let counted = |count: usize, noun| number::counted(count as i64, noun);
    let mut sentences = vec![format!(
        "Of {}{} of the last {} days it would have decided {}: {}, and {} told to nobody.",
        if trial.is_cut { "the newest " } else { "" },
        counted(trial.facts, "fact"),
        trial::DAYS,
        trial.decided.len(),
        counted(messages, "message"),
        counted(silent, "fact")
    )];
    if trial.taken > 0 {
        sentences.push(format!("{} more would match, but a rule above decides.", trial.taken));
    }
    if trial.decided.len() > SHOWN {
        sentences.push(format!("The newest {SHOWN} are shown."));
    }
    sentences.join(" ")
}

fn row(app: &App, short_prefix: &str, decided: Decided, title: Option<String>) -> TrialRow {
    let Decided { kind, issue, at, routed } = decided;
    let told: Vec<String> = routed.told.iter().map(Addressee::name).collect();
    TrialRow {
        what: kinds::title(&kind),
        issue: issue.map(|issue| Link::new(issue.short_id(short_prefix), urls::issue(issue))),
        title: title.unwrap_or_default(),
        at: When::new(at, app.clock.now()),
        reason: if told.is_empty() { routed.reason } else { String::new() },
        who: if told.is_empty() { "nobody".to_owned() } else { told.join(", ") },
    }
}
