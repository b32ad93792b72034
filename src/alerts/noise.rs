//! From a place that makes a new issue for every event to one mail for all of them, and to the lines that say which mails there were not.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::channels::Message;
use super::compose::{self, Content, date};
use super::gather::{self, Fact};
use super::links;
use super::queries::{self, ToldProject};
use super::rules::FactKind;
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::outbox::{Failure, Job};
use crate::projects::noise::{self, LOUD, NoiseFact, Noisy, Untold, WINDOW};
use crate::web::mail_view::Bodies;
use crate::web::noise_mail::NoiseMail;
use crate::web::number;
use crate::web::urls::{self, IssueQuery};

/// What replaces the line of a job that was given up: mails, or a line about those that were not made.
const TOLD: &str = "It worked when it was tried again: what came of it stands in lines of its own.";

/// Why one waits.
const OTHERS: &str = "Another noisy place of the project was told within the hour; this one comes with others.";

/// Reads the fact of a job.
pub(super) fn fact(payload: &Value) -> Result<NoiseFact, serde_json::Error> {
    serde_json::from_value(payload.clone())
}

/// Mails about a noisy place: one per member. What makes one place noisy makes many at times: the first is told at once, the others of that hour together.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    let NoiseFact { project, place } = fact(&job.payload).map_err(|error| Failure::Fail(error.into()))?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(mail) = find(app, &mut tx, (project, place)).await? {
        let detail = json!({"project": project, "place": place, "headline": mail.head()});
        let fact = Fact::of_project(FactKind::NoisyPlace, project, detail);
        // Jobs run side by side: the row that paces the project's feedback makes one of them the first.
        queries::lock_pace(&mut tx, project).await?;
        if gather::was_noted(&mut tx, &fact, now - WINDOW).await? {
            gather::tell_with_others(app, &mut tx, &fact, OTHERS).await?;
        } else {
            gather::tell_now(app, &mut tx, &fact, &written(&mail)?).await?;
        }
    }
    compose::end(app, tx, job, TOLD).await
}

/// The mail about one that waited alone; nothing when it is gone.
pub(super) async fn content(app: &App, db: &mut PgConnection, told: &Fact) -> anyhow::Result<Option<Content>> {
    let NoiseFact { project, place } = fact(&told.detail)?;
    let Some(mail) = find(app, db, (project, place)).await? else { return Ok(None) };
    Ok(Some(written(&mail)?))
}

fn written(mail: &NoiseMail) -> anyhow::Result<Content> {
    Ok(Content { kind: "noisy_place", subject: mail.subject(), bodies: mail.bodies()?, message: Message::of_noise(mail) })
}

async fn find(app: &App, db: &mut PgConnection, (project, place): (ProjectId, Uuid)) -> anyhow::Result<Option<NoiseMail>> {
    let about = queries::told_project(db, project).await?;
    let noisy = noise::find(db, project, place).await?;
    Ok(about.zip(noisy).map(|(about, noisy)| mail(app, &about, noisy)))
}

/// Writes down of how many new issues no single mail was made.
pub(super) async fn untold(app: &App, job: &Job) -> Result<(), Failure> {
    let fact = fact(&job.payload).map_err(|error| Failure::Fail(error.into()))?;
    let mut tx = app.db.begin().await?;
    let about = queries::told_project(&mut tx, fact.project).await?;
    if let (Some(about), Some(untold)) = (about, noise::take_untold(&mut tx, fact).await?) {
        skip(app, &mut tx, (fact.project, &about), &untold).await?;
    }
    compose::end(app, tx, job, TOLD).await
}

async fn skip(app: &App, db: &mut PgConnection, (project, about): (ProjectId, &ToldProject), untold: &Untold) -> anyhow::Result<()> {
    let (new, since) = (number::counted(untold.issues, "new issue"), date(untold.since));
    let reason = format!(
        "From {since} on {new} got no mail of their own: one place makes {LOUD} and more within an hour, and one mail told of all of them."
    );
    let subject = NoiseMail { project: about.project.clone(), place: untold.words.clone(), issues: new, ..NoiseMail::default() }.subject();
    let content = Content {
        kind: "untold_issues",
        subject,
        bodies: Bodies { text: String::new(), html: String::new() },
        message: Message::default(),
    };
    compose::skip(app, db, (project, None), &content, &reason).await.map(|_| ())
}

fn mail(app: &App, about: &ToldProject, noisy: Noisy) -> NoiseMail {
    let samples = noisy.samples.iter().map(|issue| issue.short_id(&about.short_prefix)).collect::<Vec<_>>();
    let list = IssueQuery { project: about.slug.clone(), sort: "first_seen".to_owned(), ..IssueQuery::default() };
    NoiseMail {
        project: about.project.clone(),
        place: noisy.words,
        issues: number::counted(noisy.issues, "new issue"),
        since: date(noisy.since),
        is_fresh: app.clock.now() - noisy.since <= WINDOW,
        samples: samples.join(", "),
        rule: noisy.rule,
        url: app.absolute(&list.url()),
        settings_url: app.absolute(&urls::project_grouping(&about.slug)),
        stop_url: links::stop_place(app),
        why: compose::why(&about.project, about.has_members),
    }
}
