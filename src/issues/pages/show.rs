//! `GET /issues/{issue}` and `/issues/{issue}/events/{event}`: the issue page around one event.

use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::Value;
use sqlx::PgConnection;

use super::{event::moved_to, grouping_tree, histogram::Histogram, list::badges};
use crate::accounts::{IssueId, OurFault as _, ProjectMember};
use crate::events::attachments::{self, Listed};
use crate::events::tag_intake::MAX_KEYS;
use crate::events::tag_stats::{OWN_KEYS, TagValues};
use crate::events::view::{EventView, file_list};
use crate::events::{Around, StoredEvent, Trail, Which, payload};
use crate::feedback;
use crate::issues::activity;
use crate::issues::changed;
use crate::issues::model::Status;
use crate::issues::moving;
use crate::issues::queries::{self, hashes::HashRow, show::Facts};
use crate::issues::regroup::{self, Kind, Regrouping, State};
use crate::issues::snoozes::{self, Until};
use crate::issues::spikes;
use crate::issues::view::activity::Draft;
use crate::issues::view::corrections::{CorrectionLine, HashLine};
use crate::issues::view::show::{EventNav, IssueHead, actions};
use crate::issues::view::tag_shares::TagShares;
use crate::issues::view::unusual::Unusual;
use crate::issues::view::{IssuePage, Missing, spike_panel, split_title};
use crate::platform::App;
use crate::platform::db::Db;
use crate::platform::telemetry::chain;
use crate::projects::{self, source_link::SourceLink};
use crate::web::pages::feedback::FeedbackPanel;
use crate::web::pages::files::AttachmentList;
use crate::web::urls::{self, IssueQuery};
use crate::web::{Badge, HttpError, Path, When, html_with, number};

/// Tags shown at the side.
const TAGS: usize = 40;
/// Values shown of one tag.
const VALUES: usize = 20;

/// The issue with its latest event.
#[tracing::instrument(name = "issues.show", skip_all, fields(issue.id = %issue))]
pub(super) async fn latest(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    show(&app, &member, (issue, Which::Latest), Draft::default()).await
}

/// The issue with one of its events.
#[tracing::instrument(name = "issues.show_event", skip_all, fields(issue.id = %issue))]
pub(super) async fn one(app: App, member: ProjectMember, Path((issue, event)): Path<(IssueId, String)>) -> Result<Response, HttpError> {
    let which = event.parse().map_err(|_| HttpError::NotFound)?;
    show(&app, &member, (issue, which), Draft::default()).await
}

/// The issue with a comment that was not taken.
pub(super) async fn again(app: &App, member: &ProjectMember, issue: IssueId, draft: Draft) -> Result<Response, HttpError> {
    show(app, member, (issue, Which::Latest), draft).await
}

async fn show(app: &App, member: &ProjectMember, (issue, which): (IssueId, Which), draft: Draft) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let read = Read::of(&app.db, (issue, member), which, now).await.ours()?.ok_or(HttpError::NotFound)?;
    if let Some(into) = read.merged_into {
        // Its old addresses lead to where it went.
        let place = if let Which::Id(event) = which { urls::event(into, event.simple()) } else { urls::issue(into) };
        return Ok(Redirect::to(&place).into_response());
    }
    if let (None, Which::Id(event)) = (&read.event, which) {
        let into = moved_to(&mut *app.db.acquire().await.ours()?, issue, which).await.ours()?.ok_or(HttpError::NotFound)?;
        return Ok(Redirect::to(&urls::event(into, event.simple())).into_response());
    }
    let changed = changed::lately(&app.db, issue, read.facts.regressed_at, now).await.map_err(HttpError::Internal)?;
    // Shown as today's rules see it, so that the marks of its frames and the sentence about them agree.
    let shown = read.event.as_ref().and_then(|(stored, _)| {
        let mut event = decode(issue, stored).ok()?;
        let grouping = grouping_tree::group(&mut event, read.rules.as_ref());
        Some((view(&event, &read.source, now), grouping_tree::why(&grouping, stored.hash)))
    });
    let (event, why) = shown.unzip();
    let query = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    let head = head(&read, member, issue, now);
    let (tags, tags_note) = tags(read.tags);
    let tags = tags.into_iter().map(|tag| tag.linked(&member.project.slug)).collect();
    let page = IssuePage {
        shell: member.viewer.shell(app, format!("{} · {}", head.kind, head.short_id), query),
        head,
        event,
        missing: if read.event.is_some() { Missing::Unreadable } else { Missing::Dropped },
        files: read.event.as_ref().map(|(stored, _)| files(issue, stored, &read.files)).unwrap_or_default(),
        nav: read.event.as_ref().map(|(_, around)| nav(issue, around)).unwrap_or_default(),
        unusual: Unusual::new(changed.as_ref()),
        tags,
        tags_note,
        hashes: read.hashes.iter().map(hash_line).collect(),
        corrections: read.corrections.iter().map(|(run, others)| correction(run, others, &member.project.short_prefix)).collect(),
        feedback: read.feedback,
        spike: spike_panel(&read.spikes, now),
        why: why.unwrap_or_else(|| "No readable event is left to tell from.".to_owned()),
        is_muted: read.is_muted,
        activity: read.activity.iter().map(|entry| entry.line((issue, &member.project.short_prefix), member.viewer.user_id, now)).collect(),
        draft,
    };
    let status = if page.draft.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html_with(status, &page))
}

fn view(event: &Value, source: &SourceLink, now: DateTime<Utc>) -> EventView {
    let mut view = EventView::new(event, now);
    view.link_sources(source);
    view
}

/// The event, unpacked; what does not unpack is logged.
pub(super) fn decode(issue: IssueId, stored: &StoredEvent) -> anyhow::Result<Value> {
    payload::decode(&stored.payload).inspect_err(|error| {
        tracing::error!(issue.id = %issue, event.id = %stored.event_id.simple(), "a stored event cannot be read: {}", chain(error));
    })
}

fn files(issue: IssueId, event: &StoredEvent, files: &[Listed]) -> AttachmentList {
    file_list(files, |file| urls::attachment(issue, event.event_id.simple(), file.simple()))
}

/// All that the page needs from the database.
struct Read {
    facts: Facts,
    /// Where it went, if it was merged.
    merged_into: Option<IssueId>,
    histogram: Histogram,
    tags: Vec<(String, TagValues)>,
    activity: Vec<activity::Entry>,
    event: Option<(StoredEvent, Around)>,
    files: Vec<Listed>,
    rules: Option<Value>,
    source: SourceLink,
    feedback: FeedbackPanel,
    hashes: Vec<HashRow>,
    corrections: Vec<(Regrouping, Vec<IssueId>)>,
    spikes: spikes::Shown,
    until: Until,
    is_muted: bool,
}

impl Read {
    async fn of(db: &Db, (issue, member): (IssueId, &ProjectMember), which: Which, now: DateTime<Utc>) -> sqlx::Result<Option<Self>> {
        let mut db = db.acquire().await?;
        let Some(facts) = queries::show::facts(&mut db, issue).await? else { return Ok(None) };
        let histogram = Histogram::for_issue(facts.first_seen, now);
        let hours = queries::list::hours(&mut db, &[issue], histogram.first_hour() - 1).await?;
        let trail = Trail::of(&mut db, issue).await?;
        let event = match trail.find(&mut db, which).await? {
            Some(event) => {
                let around = trail.around(&mut db, event.place()).await?;
                Some((event, around))
            }
            None => None,
        };
        let files = match &event {
            Some((event, _)) => {
                let of = [(event.event_id, event.received)];
                attachments::list(&mut db, issue.project(), &of).await?.remove(&event.event_id).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let shown = event.as_ref().map(|(event, _)| event.event_id);
        let merged_into = if facts.status == "merged" { moving::merged_into(&mut db, issue).await? } else { None };
        Ok(Some(Self {
            facts,
            merged_into,
            histogram: histogram.filled(hours.get(&issue).map_or(&[], Vec::as_slice)),
            tags: queries::show::tags(&mut db, issue).await?,
            activity: activity::read(&mut db, issue).await?,
            event,
            files,
            rules: projects::grouping_rules(&mut db, issue.project()).await?,
            source: projects::source_link(&mut db, issue.project()).await?,
            hashes: queries::hashes::of_issue(&mut db, issue).await?,
            corrections: corrections(&mut db, issue).await?,
            spikes: spikes::shown(&mut db, issue).await?,
            is_muted: queries::show::is_muted(&mut db, issue, member.viewer.user_id).await?,
            until: snoozes::of(&mut db, &[issue]).await?.remove(&issue).unwrap_or_default(),
            feedback: feedback::panel(&mut db, &member.project.slug, (issue, shown), now).await?,
        }))
    }
}

fn head(read: &Read, member: &ProjectMember, issue: IssueId, now: DateTime<Utc>) -> IssueHead {
    let facts = &read.facts;
    let (kind, message) = split_title(&facts.title);
    IssueHead {
        id: issue.to_string(),
        short_id: issue.short_id(&member.project.short_prefix),
        project: member.project.name.clone(),
        list_href: IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() }.url(),
        kind,
        message,
        culprit: facts.culprit.clone(),
        level: facts.level.clone(),
        badges: status_badges(facts, read.until, now)
            .into_iter()
            .chain(read.is_muted.then(|| Badge::new("muted by you", "calm")))
            .collect(),
        actions: actions(&facts.status),
        events: facts.event_count,
        events_note: format!("{} in the last 24 h", number::count(read.histogram.last_day())),
        users: facts.user_count,
        first_seen: When::new(facts.first_seen, now),
        first_release: facts.first_release.clone(),
        last_seen: When::new(facts.last_seen, now),
        last_release: facts.last_release.clone(),
        bars: read.histogram.bars(),
        bars_from: read.histogram.from(),
    }
}

fn hash_line(row: &HashRow) -> HashLine {
    HashLine { hash: row.hash.simple().to_string(), events: number::counted(row.events, "event"), decided: row.decided }
}

/// The corrections of an issue, each with the other issues it touched.
async fn corrections(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<(Regrouping, Vec<IssueId>)>> {
    let runs = regroup::of_issue(db, issue).await?;
    let mut others = regroup::others(db, issue.project(), &runs).await?;
    let with_others = |run: Regrouping| {
        let touched = others.remove(&run.id).unwrap_or_default();
        (run, touched)
    };
    Ok(runs.into_iter().map(with_others).collect())
}

fn correction(run: &Regrouping, others: &[IssueId], prefix: &str) -> CorrectionLine {
    let others = others.iter().map(|issue| issue.short_id(prefix)).collect::<Vec<_>>().join(", ");
    let own = run.issue.map(|issue| issue.short_id(prefix)).unwrap_or_default();
    let name = match run.kind {
        Kind::Merge => format!("Merged {others} into {own},"),
        Kind::Split => format!("Split {others} out of {own},"),
        Kind::Rules => "Regrouped".to_owned(),
    };
    let at = run.made_at.format("%-d %b %Y");
    let text = if run.state.is_active() {
        format!("{name} {at}: at work, {} moved", number::counted(run.moved, "event"))
    } else {
        format!("{name} {at}")
    };
    CorrectionLine { id: run.id, text, may_undo: run.state == State::Done }
}

/// The state in words, and what is special about it.
fn status_badges(facts: &Facts, until: Until, now: DateTime<Utc>) -> Vec<Badge> {
    let by = facts.changed_by.as_ref().map(|email| format!(" by {email}")).unwrap_or_default();
    match Status::parse(&facts.status) {
        Some(Status::Resolved) => vec![Badge::new(format!("resolved{by}"), "good")],
        Some(Status::Ignored) => vec![Badge::new(format!("ignored{by} {}", until.words()).trim_end(), "calm")],
        _ => {
            let special = badges(facts.first_seen, facts.regressed_at.map(|_| facts.regressed_in.as_str()), now);
            if special.is_empty() { vec![Badge::new("open", "calm")] } else { special }
        }
    }
}

/// The event bar. The ends of the trail have no way on.
fn nav(issue: IssueId, around: &Around) -> EventNav {
    let event = |id: Option<uuid::Uuid>| id.map(|id| urls::event(issue, id.simple()));
    let position = match (around.position, around.previous, around.next) {
        (Some((number, total)), ..) => format!("Event {} of {}", number::count(number), number::count(total)),
        (None, _, None) => "Latest event".to_owned(),
        (None, None, Some(_)) => "First event".to_owned(),
        (None, Some(_), Some(_)) => "One of many events".to_owned(),
    };
    EventNav {
        position,
        first: around.previous.map(|_| urls::event(issue, "first")),
        previous: event(around.previous),
        next: event(around.next),
        latest: around.next.map(|_| urls::event(issue, "latest")),
    }
}

/// The product's own in their order, then what most events have; and what is to be said of those not shown.
fn tags(mut tags: Vec<(String, TagValues)>) -> (Vec<TagShares>, String) {
    let place = |key: &str| OWN_KEYS.iter().position(|own| *own == key).unwrap_or(OWN_KEYS.len());
    let is_full = tags.iter().filter(|(key, _)| place(key) == OWN_KEYS.len()).count() >= MAX_KEYS;
    tags.retain(|(_, values)| !values.values.is_empty());
    tags.sort_by(|(a, x), (b, y)| (place(a), y.total, a).cmp(&(place(b), x.total, b)));
    let hidden = tags.len().saturating_sub(TAGS) as i64;
    tags.truncate(TAGS);
    let more = if is_full { format!(" Statistics are kept of the first {MAX_KEYS} keys; events may have others.") } else { String::new() };
    let note = if hidden > 0 { format!("{} not shown: fewer events have them.{more}", number::counted(hidden, "more key")) } else { more };
    (tags.iter().map(|(key, values)| shares(key, values)).collect(), note)
}

fn shares(key: &str, values: &TagValues) -> TagShares {
    let shown: Vec<_> = values.values.iter().take(VALUES).map(|(value, count)| (value.clone(), *count as i64)).collect();
    let kept = values.values.len() as i64;
    let shares = TagShares::new(key, &shown, values.total as i64, kept);
    // A value that was folded away may have been so more than once: how many there are is not known.
    if values.folded > 0 { TagShares { head: format!("more than {}", number::counted(kept, "value")), ..shares } } else { shares }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::ProjectId;
    use uuid::Uuid;

    #[test]
    fn the_event_bar_leads_everywhere_but_where_one_is() {
        let issue = IssueId::new(ProjectId(1), 7);
        let (a, b) = (Some(Uuid::from_u128(10)), Some(Uuid::from_u128(11)));
        for (previous, next, position, text, ways) in [
            (a, b, Some((2, 3)), "Event 2 of 3", [true; 4]),
            (None, b, None, "First event", [false, false, true, true]),
            (a, None, None, "Latest event", [true, true, false, false]),
            (a, b, None, "One of many events", [true; 4]),
            (None, None, Some((1, 1)), "Event 1 of 1", [false; 4]),
        ] {
            let nav = nav(issue, &Around { previous, next, position });
            let open = [&nav.first, &nav.previous, &nav.next, &nav.latest].map(Option::is_some);
            assert_eq!((nav.position.as_str(), open), (text, ways));
        }
        let nav = nav(issue, &Around { previous: a, ..Around::default() });
        assert_eq!(nav.previous.unwrap(), "/issues/4294967303/events/0000000000000000000000000000000a");
    }

    #[test]
    fn tags_that_people_look_at_first_stand_first() {
        let stats = |total, folded, values: &[(&str, u64)]| TagValues {
            total,
            folded,
            values: values.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect(),
        };
        let (shown, note) = tags(vec![
            ("country".to_owned(), stats(9, 0, &[("DE", 9)])),
            ("zone".to_owned(), stats(20, 7, &[("a", 2), ("b", 1)])),
            ("release".to_owned(), stats(4, 0, &[("1.4.2", 4)])),
            ("damaged".to_owned(), TagValues::default()),
        ]);
        assert_eq!(shown.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>(), ["release", "zone", "country"]);
        assert_eq!(note, "");
        assert_eq!((shown[1].head.as_str(), shown[1].top_share.as_str()), ("more than 2 values", "10 %"));
        assert_eq!(shown[2].head, "1 value");
    }

    #[test]
    fn junk_keys_hide_no_key_of_the_products_own_and_the_page_counts_them() {
        let stats = |total| TagValues { total, folded: 0, values: vec![("x".to_owned(), total)] };
        let mut all: Vec<_> = (0..200_u64).map(|n| (format!("a{n:03}"), stats(n + 1))).collect();
        all.extend(["user", "level", "release"].map(|key| (key.to_owned(), stats(1))));
        let (shown, note) = tags(all);
        assert_eq!(
            (shown.len(), shown[..4].iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>()),
            (TAGS, vec!["level", "release", "user", "a199"])
        );
        assert!(note.starts_with("163 more keys not shown: fewer events have them.") && note.contains("the first 200 keys"), "{note}");
    }
}
