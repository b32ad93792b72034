//! The mail for what was gathered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::pace::Pace;
use super::queries::{self, Gathered, WaitingIssue};
use super::recipient::{Addressee, Recipient, addressees, quiet_until};
use crate::accounts::{ProjectId, UserId};
use crate::alerts::channels::Message;
use crate::alerts::compose::{self, Content};
use crate::alerts::links;
use crate::alerts::queries::{ToldProject, told_project};
use crate::alerts::rules::FactKind;
use crate::alerts::silence::{Back, Stopped};
use crate::alerts::surge::{Surge, SurgeOver};
use crate::platform::App;
use crate::platform::outbox::{self, Failure, Job};
use crate::web::digest_mail::{DigestLine, DigestMail};
use crate::web::number;
use crate::web::urls::{self, IssueQuery};

/// The kind of job that makes the mail.
pub(in crate::alerts) const GATHERED: &str = "alerts.gathered";
/// Issues that are named.
const NAMED: i64 = 15;
/// Of the issues, in percent, that a release must have to be told.
const MOSTLY: usize = 80;

/// For whom something waits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) project: ProjectId,
    #[serde(flatten)]
    pub(super) to: Recipient,
}

/// Makes one mail, or message, of all that waits for a recipient.
pub(in crate::alerts) async fn due(app: &App, job: &Job) -> Result<(), Failure> {
    let Waiting { project, to } = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let (pace, cap) = queries::lock(&mut tx, project, to, now).await?;
    if let Some(until) = cap.until(now).max(quiet_until(&mut tx, to, now).await?) {
        outbox::enqueue_at(&mut tx, GATHERED, &Waiting { project, to }, (now, until)).await?;
        queries::set_pace(&mut tx, project, to, Pace { due_at: Some(until), ..pace }).await?;
        return compose::end(app, tx, job, compose::TOLD).await;
    }
    let addressee = addressees(&mut tx, project).await?.into_iter().find(|addressee| addressee.recipient() == to);
    let kinds = queries::gathered(&mut tx, project, to).await?;
    let about = told_project(&mut tx, project).await?;
    match (addressee, about) {
        (Some(addressee), Some(about)) if !kinds.is_empty() => {
            let mail = tell(app, &mut tx, (project, &addressee), (&about, &kinds)).await?;
            queries::end_wait(&mut tx, (project, to), ("told", "", mail), now).await?;
            queries::set_pace(&mut tx, project, to, pace.gathered(now)).await?;
            queries::set_cap(&mut tx, to, cap.counted(now)).await?;
        }
        (Some(_), Some(_)) => queries::set_pace(&mut tx, project, to, Pace { due_at: None, ..pace }).await?,
        _ => {
            let reason = gone(to);
            queries::end_wait(&mut tx, (project, to), ("dropped", reason, None), now).await?;
            queries::set_pace(&mut tx, project, to, Pace { due_at: None, ..pace }).await?;
        }
    }
    compose::end(app, tx, job, compose::TOLD).await
}

/// Lets what waits for a person, or will, come then.
pub(in crate::alerts) async fn wait_until(
    db: &mut PgConnection,
    (project, user): (ProjectId, UserId),
    (now, due): (DateTime<Utc>, DateTime<Utc>),
) -> anyhow::Result<()> {
    let to = Recipient::Person(user);
    let (pace, _) = queries::lock(db, project, to, now).await?;
    outbox::enqueue_at(db, GATHERED, &Waiting { project, to }, (now, due)).await?;
    Ok(queries::set_pace(db, project, to, Pace { due_at: Some(due), ..pace }).await?)
}

/// The mail about one fact where only one waits, and one for all otherwise; its number.
async fn tell(
    app: &App,
    db: &mut PgConnection,
    (project, addressee): (ProjectId, &Addressee),
    (about, kinds): (&ToldProject, &[Gathered]),
) -> anyhow::Result<Option<i64>> {
    let to = addressee.recipient();
    if kinds.iter().map(|kind| kind.facts).sum::<i64>() == 1
        && let Some((_, fact)) = queries::waiting(db, project, to, 1).await?.pop()
        && let Some(content) = compose::content(app, db, &fact).await?
    {
        return Ok(Some(addressee.write(app, db, ((project, fact.issue), &content)).await?));
    }
    let issues = queries::waiting_issues(db, project, to, NAMED).await?;
    let notes = queries::waiting_of_project(db, project, to, NAMED).await?;
    let notes = notes.into_iter().filter_map(|(kind, detail)| note(&kind, detail)).collect();
    let mail = DigestMail { notes, ..mail(app, about, kinds, &issues) };
    let content = Content { kind: "digest", subject: mail.subject(), bodies: mail.bodies()?, message: Message::of_digest(&mail) };
    Ok(Some(addressee.write(app, db, ((project, None), &content)).await?))
}

const fn gone(to: Recipient) -> &'static str {
    match to {
        Recipient::Person(_) => "Before the mail was due, they left the project, or it was deleted.",
        Recipient::Channel(_) => "Before the message was due, the channel was switched off or deleted, or the project was.",
    }
}

fn mail(app: &App, about: &ToldProject, kinds: &[Gathered], issues: &[WaitingIssue]) -> DigestMail {
    let counts = kinds.iter().map(|kind| counted(&kind.kind, kind.facts)).collect::<Vec<_>>().join(", ");
    let list = IssueQuery { project: about.slug.clone(), sort: "first_seen".to_owned(), ..IssueQuery::default() };
    let line = |issue: &WaitingIssue| DigestLine {
        short_id: issue.issue.short_id(&about.short_prefix),
        title: issue.title.clone(),
        url: app.absolute(&urls::issue(issue.issue)),
        facts: format!(
            "{}, {}, {}{}",
            words(&issue.kind),
            number::counted(issue.events, "event"),
            number::counted(issue.users, "user"),
            if issue.status == "open" { String::new() } else { format!(", {} meanwhile", issue.status) }
        ),
        level: issue.level.clone(),
    };
    DigestMail {
        project: about.project.clone(),
        counts,
        release: common_release(issues),
        lines: issues.iter().map(line).collect(),
        more: issues.first().map_or(0, |first| first.all - issues.len() as i64),
        url: app.absolute(&list.url()),
        settings_url: app.absolute(&urls::project_settings(&about.slug)),
        stop_url: links::stop_place(app),
        why: compose::why(&about.project, about.has_members),
        notes: Vec::new(),
    }
}

/// What is said of the project as a whole; nothing of what cannot be read.
fn note(kind: &str, detail: Value) -> Option<String> {
    match FactKind::named(kind)? {
        FactKind::Surge => serde_json::from_value::<Surge>(detail).ok().map(|surge| surge.note()),
        FactKind::SurgeOver => serde_json::from_value::<SurgeOver>(detail).ok().map(|over| over.note()),
        FactKind::EventsStopped => serde_json::from_value::<Stopped>(detail).ok().map(|stopped| stopped.note()),
        FactKind::EventsBack => serde_json::from_value::<Back>(detail).ok().map(|back| back.note()),
        FactKind::NoisyPlace => Some(detail["headline"].as_str()?.to_owned()),
        FactKind::Feedback => Some(format!("{} of users", number::counted(detail["messages"].as_i64()?, "message"))),
        FactKind::LimitReached => Some("A limit began to drop something".to_owned()),
        FactKind::LimitEnded => Some("A limit drops nothing any more".to_owned()),
        _ => None,
    }
}

/// The release that nearly all of several issues were last seen in; may be empty.
fn common_release(issues: &[WaitingIssue]) -> String {
    let has = |release: &str| issues.iter().filter(|issue| issue.release == release).count();
    let most = issues
        .iter()
        .map(|issue| issue.release.as_str())
        .filter(|release| !release.is_empty())
        .max_by_key(|release| (has(release), *release));
    most.filter(|release| issues.len() > 1 && has(release) * 100 >= issues.len() * MOSTLY).unwrap_or_default().to_owned()
}

fn counted(kind: &str, facts: i64) -> String {
    match kind {
        "new_issue" => number::counted(facts, "new issue"),
        "regression" => number::counted(facts, "regression"),
        "spike" => number::counted(facts, "spike"),
        "unignored" => format!("{} ignored no more", number::counted(facts, "issue")),
        "spike_over" => format!("{} over", number::counted(facts, "spike")),
        "surge" => number::counted(facts, "surge"),
        "surge_over" => format!("{} over", number::counted(facts, "surge")),
        "noisy_place" => number::counted(facts, "noisy place"),
        "feedback" => "feedback".to_owned(),
        "limit_reached" => format!("{} reached", number::counted(facts, "limit")),
        "limit_ended" => format!("{} ended", number::counted(facts, "limit")),
        "events_stopped" => "events stopped".to_owned(),
        "events_back" => "events are back".to_owned(),
        _ => number::counted(facts, "message"),
    }
}

fn words(kind: &str) -> &'static str {
    match kind {
        "new_issue" => "new",
        "regression" => "came back",
        "spike" => "spikes",
        "spike_over" => "a spike is over",
        "unignored" => "ignored no more",
        _ => "told",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::IssueId;

    #[test]
    fn a_release_is_told_when_nearly_all_issues_share_it() {
        let issue = |release: &str| WaitingIssue {
            issue: IssueId(1),
            kind: "new_issue".to_owned(),
            title: String::new(),
            level: String::new(),
            events: 1,
            users: 0,
            release: release.to_owned(),
            status: "open".to_owned(),
            all: 1,
        };
        let told = |releases: &[&str]| common_release(&releases.iter().map(|release| issue(release)).collect::<Vec<_>>());
        assert_eq!(told(&["2.0", "2.0", "2.0", "2.0", "1.9"]), "2.0");
        assert_eq!(told(&["2.0", "2.0", "1.9"]), "");
        assert_eq!(told(&["2.0"]), "", "one issue says it itself");
        assert_eq!(told(&["", ""]), "");
    }
}
