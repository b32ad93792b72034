//! The part of `/projects/{slug}/settings/grouping` that moves a project to another version of grouping.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::grouping::Version;
use crate::platform::App;
use crate::projects::{GroupingRules, ProjectSettings, queries};
use crate::web::pages::grouping_version::{MoveView, VersionView};
use crate::web::urls;
use crate::web::{FieldErrors, Flash, HttpError, When};

/// Moves the project to the version called `name`. Moving to the one it has changes nothing, the time of a move that goes on included.
pub(super) async fn change(app: &App, member: &ProjectMember, name: &str) -> Result<Response, HttpError> {
    let version: Version = name.parse().map_err(|unknown| HttpError::Invalid(FieldErrors::general(format!("{unknown}."))))?;
    let project = member.project.id;
    let mut tx = app.db.begin().await.ours()?;
    // Changes nothing, but locks the settings: what is read next is what is changed.
    queries::change_settings(&mut tx, project, "grouping", &json!({})).await.ours()?;
    let stored = queries::settings(&mut tx, project).await.ours()?.ok_or(HttpError::NotFound)?;
    let before = ProjectSettings::read(&stored).grouping;
    let moved = before.moved_to(version, app.clock.now());
    let values = json!({"version": moved.version, "transition": moved.transition});
    queries::change_settings(&mut tx, project, "grouping", &values).await.ours()?;
    tx.commit().await.ours()?;
    let flash = match moved.transition.filter(|_| moved.version != before.version) {
        Some(transition) => Flash::done(format!(
            "Events are grouped by {version} from now on. Until {} the hashes of {} still lead to their issues.",
            transition.until.format("%-d %b %Y"),
            transition.from
        )),
        None => Flash::done(format!("Nothing to change: events are grouped by {version} already.")),
    };
    Ok(see_other(&urls::project_grouping(&member.project.slug), &flash))
}

/// What the page says of the version.
pub(super) fn view(rules: &GroupingRules, now: DateTime<Utc>) -> VersionView {
    let going_on = rules.transition_at(now);
    VersionView {
        chosen: rules.version,
        moving: going_on.map(|going_on| MoveView { from: going_on.from, until: When::new(going_on.until, now) }),
    }
}
