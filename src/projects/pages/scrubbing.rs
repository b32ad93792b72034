//! `/projects/{slug}/settings/scrubbing`: what must never be stored. What does not compile is not saved.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::text::{area, entries, line};
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::event::scrub::{RULES_LIMIT, Rule, ScrubError, ScrubSettings};
use crate::platform::App;
use crate::projects::{ProjectSettings, queries};
use crate::web::pages::scrubbing::{RuleRow, ScrubbingPage};
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, html, html_with};

/// Empty rows after the last rule.
const EMPTY_ROWS: usize = 2;
/// Longest name, path and text of a rule in characters, longest pattern: what the form allows.
const LENGTHS: [(&str, usize); 4] = [("name", 100), ("path", 500), ("pattern", 1000), ("text", 500)];

/// What the form says, and what is wrong with it.
#[derive(Debug, Default)]
struct Typed {
    settings: ScrubSettings,
    sensitive: String,
    safe: String,
    rows: Vec<RuleRow>,
    errors: FieldErrors,
}

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let stored = queries::settings(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()?;
    let settings = ProjectSettings::read(&stored.ok_or(HttpError::NotFound)?).scrub;
    let rows = settings.rules.iter().zip(1..).map(|(rule, number)| row(number, rule)).collect();
    let (sensitive, safe) = (settings.sensitive_fields.join("\n"), settings.exclude_fields.join("\n"));
    Ok(html(&page(&app, &member, Typed { settings, sensitive, safe, rows, errors: FieldErrors::default() })))
}

/// Saves the form, or shows it again with what is wrong.
pub(super) async fn change(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let typed = typed(&fields)?;
    // Large patterns take their time.
    let typed = tokio::task::spawn_blocking(move || checked(typed)).await.map_err(|error| HttpError::Internal(error.into()))?;
    if !typed.errors.is_empty() || typed.rows.iter().any(|row| row.error.is_some()) {
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &member, typed)));
    }
    let mut values = json!(typed.settings);
    // The salt is no choice of the form: without it the stored one stays.
    values.as_object_mut().map(|values| values.remove("hashSalt"));
    let mut db = app.db.acquire().await.ours()?;
    if !queries::change_settings(&mut db, member.project.id, "scrub", &values).await.ours()? {
        return Err(HttpError::NotFound);
    }
    Ok(see_other(&urls::project_scrubbing(&member.project.slug), &Flash::done("Saved. Events are scrubbed so from now on.")))
}

fn typed(fields: &Fields) -> Result<Typed, HttpError> {
    let (sensitive, safe) = (area(fields, "sensitive")?, area(fields, "safe")?);
    let texts = |name: &'static str| fields.all(name).map(line).collect::<Vec<_>>().into_iter();
    let (mut names, mut patterns, mut actions, mut puts) =
        (texts("rule_name"), texts("rule_pattern"), texts("rule_action"), texts("rule_text"));
    let mut rows = Vec::new();
    for path in fields.all("rule_path").map(line) {
        let mut next = RuleRow { number: rows.len() + 1, path, ..RuleRow::default() };
        next.name = names.next().unwrap_or_default();
        next.pattern = patterns.next().unwrap_or_default();
        next.action = actions.next().unwrap_or_default();
        next.text = puts.next().unwrap_or_default();
        if !(next.path.is_empty() && next.pattern.is_empty()) {
            rows.push(next);
        }
    }
    let is_on = |name: &str| fields.get(name).is_some();
    let settings = ScrubSettings {
        scrub_data: is_on("scrub_data"),
        scrub_defaults: is_on("scrub_defaults"),
        scrub_ip_addresses: is_on("scrub_ip_addresses"),
        sensitive_fields: entries(&sensitive),
        exclude_fields: entries(&safe),
        rules: rows.iter().map(rule).collect(),
        hash_salt: String::new(),
    };
    Ok(Typed { settings, sensitive, safe, rows, errors: FieldErrors::default() })
}

/// The rule of a row. One without a name is called by what it does.
fn rule(row: &RuleRow) -> Rule {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let name = some(&row.name).unwrap_or_else(|| format!("{} {}", row.action, row.path).chars().take(LENGTHS[0].1).collect());
    Rule { name, path: row.path.clone(), pattern: some(&row.pattern), action: row.action.clone(), text: some(&row.text) }
}

fn row(number: usize, rule: &Rule) -> RuleRow {
    RuleRow {
        number,
        name: rule.name.clone(),
        path: rule.path.clone(),
        pattern: rule.pattern.clone().unwrap_or_default(),
        action: rule.action.clone(),
        text: rule.text.clone().unwrap_or_default(),
        error: None,
    }
}

/// Finds everything that is wrong, rule by rule, with the compiler that digest uses.
fn checked(mut typed: Typed) -> Typed {
    for (row, rule) in typed.rows.iter_mut().zip(&typed.settings.rules) {
        row.error = problem(row, rule);
    }
    if typed.rows.len() > RULES_LIMIT {
        let text = format!("There are {} rules; {RULES_LIMIT} are allowed.", typed.rows.len());
        typed.errors = std::mem::take(&mut typed.errors).with("", text);
    }
    let fields = ScrubSettings { rules: Vec::new(), ..typed.settings.clone() };
    if let Err(error) = fields.compile() {
        let field = if matches!(error, ScrubError::TooMany { field: "excludeFields", .. }) { "safe" } else { "sensitive" };
        typed.errors = std::mem::take(&mut typed.errors).with(field, words(&error));
    }
    typed
}

fn words(error: &ScrubError) -> String {
    match error {
        ScrubError::TooMany { count, .. } => format!("{count} entries are too many; shorter words cover more."),
        ScrubError::TooLong => "The words are too long together.".to_owned(),
        ScrubError::Rule(error) => error.problem.clone(),
    }
}

fn problem(row: &RuleRow, rule: &Rule) -> Option<String> {
    let typed = [&row.name, &row.path, &row.pattern, &row.text];
    let too_long = LENGTHS.iter().zip(typed).find(|((_, most), text)| text.chars().count() > *most);
    if let Some(((what, most), _)) = too_long {
        return Some(format!("the {what} is longer than {most} characters"));
    }
    let alone = ScrubSettings { rules: vec![rule.clone()], ..ScrubSettings::default() };
    alone.compile().err().map(|error| words(&error))
}

fn page(app: &App, member: &ProjectMember, mut typed: Typed) -> ScrubbingPage {
    let (viewer, project) = (&member.viewer, &member.project);
    if viewer.is_admin {
        let first = typed.rows.len() + 1;
        let empty = (first..first + EMPTY_ROWS).take_while(|number| *number <= RULES_LIMIT);
        typed.rows.extend(empty.map(|number| RuleRow { number, action: "mask".to_owned(), ..RuleRow::default() }));
    }
    ScrubbingPage {
        shell: viewer.shell(app, "Data scrubbing", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        may_change: viewer.is_admin,
        scrub_data: typed.settings.scrub_data,
        scrub_defaults: typed.settings.scrub_defaults,
        scrub_ip_addresses: typed.settings.scrub_ip_addresses,
        sensitive_fields: typed.sensitive,
        safe_fields: typed.safe,
        rules: typed.rows,
        errors: typed.errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed_rule(path: &str, pattern: &str, action: &str) -> RuleRow {
        RuleRow { number: 1, path: path.to_owned(), pattern: pattern.to_owned(), action: action.to_owned(), ..RuleRow::default() }
    }

    #[test]
    fn rules_are_judged_one_by_one() {
        let rows = vec![typed_rule("extra.**", "@email", "mask"), typed_rule("", "x", "mask"), typed_rule("tags.a", "(", "hash")];
        let settings = ScrubSettings { rules: rows.iter().map(rule).collect(), ..ScrubSettings::default() };
        let typed = checked(Typed { settings, rows, ..Typed::default() });
        let errors: Vec<_> = typed.rows.iter().map(|row| row.error.clone().unwrap_or_default()).collect();
        assert_eq!(errors[0], "");
        assert!(errors[1].contains("path") && errors[2].contains("pattern"), "{errors:?}");
    }

    #[test]
    fn a_row_and_its_rule_are_the_same() {
        let row_before = RuleRow { text: "x".to_owned(), name: "n".to_owned(), ..typed_rule("a", "b", "replace") };
        assert_eq!(row(1, &rule(&row_before)), row_before);
        assert_eq!(rule(&typed_rule("user.email", "", "hash")).name, "hash user.email");
    }
}
