//! `/projects/{slug}/settings/grouping/rules`: every rule that an event of the project meets, the built-in ones included.

use axum::response::Response;

use super::grouping_rules::stored;
use crate::accounts::ProjectMember;
use crate::grouping::{Config, Origin, RuleText};
use crate::platform::App;
use crate::web::pages::rules_in_force::{RuleList, RulesInForcePage};
use crate::web::urls::IssueQuery;
use crate::web::{HttpError, html};

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let rules = stored(&app, &member).await?;
    let (viewer, project) = (&member.viewer, &member.project);
    let own = |kind, text: &str| RuleList::new(Origin::Project, kind, written(text));
    let built_in = |kind| RuleList::new(Origin::BuiltIn, kind, Config::built_in_rules(rules.version, kind));
    Ok(html(&RulesInForcePage {
        shell: viewer.shell(&app, "Rules in force", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        version: rules.version.name(),
        lists: vec![
            own(RuleText::StackTrace, &rules.stack_trace_rules),
            own(RuleText::Fingerprint, &rules.fingerprint_rules),
            built_in(RuleText::StackTrace),
            built_in(RuleText::Fingerprint),
        ],
    }))
}

/// The lines that hold a rule, by their number.
fn written(text: &str) -> impl Iterator<Item = (u32, String)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| (number, line.to_owned()))
}
