//! `/projects/{slug}/settings/filters`: what nobody wants to see, and what was dropped so.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::text::{area, entries};
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::event::filters::{FilterProblem, FilterReason, FilterSettings, LegacyBrowser};
use crate::platform::App;
use crate::platform::clock::hour_of;
use crate::projects::outcomes::{self, FilterCount};
use crate::projects::{ProjectSettings, queries};
use crate::web::pages::filters::{BrowserRow, Dropped, FiltersPage, ListRow, SwitchRow};
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, html, html_with};

/// Entries of one list: each is compared with every event.
const MAX_ENTRIES: usize = 500;
/// Problems that are shown of one list.
const MAX_PROBLEMS: usize = 20;

/// A switch: its name in the form, the filter that counts for it, what it drops, and where it stands in the settings.
type Switch = (&'static str, FilterReason, &'static str, &'static str, fn(&mut FilterSettings) -> &mut bool);

const SWITCHES: [Switch; 7] = [
    ("web_crawlers", FilterReason::WebCrawler, "Web crawlers", "Googlebot, Bingbot and others, told by their user agent.", |s| {
        &mut s.web_crawlers
    }),
    (
        "browser_extensions",
        FilterReason::BrowserExtension,
        "Browser extensions",
        "Errors that well-known extensions cause in the pages they change.",
        |s| &mut s.browser_extensions,
    ),
    ("localhost", FilterReason::Localhost, "Localhost", "Events from a developer's own machine.", |s| &mut s.localhost),
    ("health_checks", FilterReason::HealthCheck, "Health checks", "Transactions such as /healthz, /ready and /ping.", |s| {
        &mut s.health_checks
    }),
    (
        "chunk_load_errors",
        FilterReason::ChunkLoadError,
        "Chunks that do not load",
        "A page was open while a new version was deployed, and asks for a script that is gone.",
        |s| &mut s.chunk_load_errors,
    ),
    (
        "hydration_errors",
        FilterReason::HydrationError,
        "React hydration errors",
        "The page that the server made and the one that the browser made differ.",
        |s| &mut s.hydration_errors,
    ),
    (
        "csp_sources",
        FilterReason::CspSource,
        "Injected sources in security reports",
        "Reports about what extensions and proxies put into pages.",
        |s| &mut s.csp_sources,
    ),
];

/// A list: its name in the form, the filter that counts for it (none: another one does), title, hint, example, and where it stands.
type List = (&'static str, Option<FilterReason>, [&'static str; 3], fn(&mut FilterSettings) -> &mut Vec<String>);

const LISTS: [List; 4] = [
    (
        "error_messages",
        Some(FilterReason::ErrorMessage),
        [
            "Messages",
            "Globs, compared with the message, and with type, value and “type: value” of each exception.",
            "*ResizeObserver loop*",
        ],
        |s| &mut s.error_messages,
    ),
    ("releases", Some(FilterReason::Release), ["Releases", "Globs, compared with the whole release.", "shop@1.*"], |s| &mut s.releases),
    (
        "client_ips",
        Some(FilterReason::ClientIp),
        ["Senders", "IP addresses or blocks of them; the sender's, not the user's.", "203.0.113.0/24"],
        |s| &mut s.client_ips,
    ),
    (
        "csp_disallowed_sources",
        None,
        ["Further sources in security reports", "A host, *.host or scheme://*; counted with the injected sources.", "*.example.com"],
        |s| &mut s.csp_disallowed_sources,
    ),
];

/// Old browsers by their stored name. The last nine are Sentry's older choices: shown only where one is chosen.
const BROWSERS: [(LegacyBrowser, &str, &str); 18] = [
    (LegacyBrowser::Default, "default", "Very old: Internet Explorer 9, Safari 5, Opera 14, Android 3, Opera Mini 7 and before"),
    (LegacyBrowser::Ie, "ie", "Internet Explorer, all"),
    (LegacyBrowser::Edge, "edge", "Edge up to 110"),
    (LegacyBrowser::Safari, "safari", "Safari up to 15"),
    (LegacyBrowser::Firefox, "firefox", "Firefox up to 110"),
    (LegacyBrowser::Chrome, "chrome", "Chrome up to 110"),
    (LegacyBrowser::Opera, "opera", "Opera up to 99"),
    (LegacyBrowser::Android, "android", "Android's own browser up to 3"),
    (LegacyBrowser::OperaMini, "opera_mini", "Opera Mini up to 34"),
    (LegacyBrowser::IePre9, "ie_pre_9", "Internet Explorer up to 8"),
    (LegacyBrowser::Ie9, "ie9", "Internet Explorer 9"),
    (LegacyBrowser::Ie10, "ie10", "Internet Explorer 10"),
    (LegacyBrowser::Ie11, "ie11", "Internet Explorer 11"),
    (LegacyBrowser::SafariPre6, "safari_pre_6", "Safari up to 5"),
    (LegacyBrowser::OperaPre15, "opera_pre_15", "Opera up to 14"),
    (LegacyBrowser::OperaMiniPre8, "opera_mini_pre_8", "Opera Mini up to 7"),
    (LegacyBrowser::AndroidPre4, "android_pre_4", "Android's own browser up to 3 (older choice)"),
    (LegacyBrowser::EdgePre79, "edge_pre_79", "Edge up to 18"),
];
const CURRENT_BROWSERS: usize = 9;

/// What is shown: settings, lists as typed, what is wrong with each.
struct Typed {
    settings: FilterSettings,
    texts: [String; LISTS.len()],
    problems: [Vec<String>; LISTS.len()],
}

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let stored = queries::settings(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()?;
    let mut settings = ProjectSettings::read(&stored.ok_or(HttpError::NotFound)?).filters;
    let texts = LISTS.map(|list| list.3(&mut settings).join("\n"));
    Ok(html(&page(&app, &member, Typed { settings, texts, problems: Default::default() }).await?))
}

/// Saves the form, or shows it again with what is wrong.
pub(super) async fn change(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let typed = typed(&fields)?;
    if typed.problems.iter().any(|problems| !problems.is_empty()) {
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &member, typed).await?));
    }
    let mut db = app.db.acquire().await.ours()?;
    if !queries::change_settings(&mut db, member.project.id, "filters", &json!(typed.settings)).await.ours()? {
        return Err(HttpError::NotFound);
    }
    Ok(see_other(&urls::project_filters(&member.project.slug), &Flash::done("Saved. Events are filtered so from now on.")))
}

fn typed(fields: &Fields) -> Result<Typed, HttpError> {
    let mut settings = FilterSettings::default();
    for (id, _, _, _, place) in SWITCHES {
        *place(&mut settings) = fields.get(id).is_some();
    }
    let chosen: Vec<&str> = fields.all("browser").collect();
    settings.legacy_browsers = BROWSERS.iter().filter(|(_, id, _)| chosen.contains(id)).map(|(browser, _, _)| *browser).collect();
    let mut texts: [String; LISTS.len()] = Default::default();
    for ((id, _, _, place), text) in LISTS.into_iter().zip(&mut texts) {
        *text = area(fields, id)?;
        *place(&mut settings) = entries(text);
    }
    let found = settings.problems();
    let mut problems: [Vec<String>; LISTS.len()] = Default::default();
    for (((id, _, _, place), text), problems) in LISTS.into_iter().zip(&texts).zip(&mut problems) {
        let count = place(&mut settings).len();
        if count > MAX_ENTRIES {
            problems.push(format!("There are {count} entries; {MAX_ENTRIES} are allowed."));
        }
        problems.extend(found.iter().filter(|problem| field(problem) == id).take(MAX_PROBLEMS).map(|problem| placed(problem, text)));
    }
    Ok(Typed { settings, texts, problems })
}

/// The form's name for a problem's list.
fn field(problem: &FilterProblem) -> &'static str {
    match problem.field {
        "clientIps" => "client_ips",
        "releases" => "releases",
        _ => "error_messages",
    }
}

/// "Line 2, `[a`: a `[` is not closed".
fn placed(problem: &FilterProblem, text: &str) -> String {
    let line = text.lines().position(|line| line.trim() == problem.entry).map_or(0, |index| index + 1);
    let entry: String = problem.entry.chars().take(60).collect();
    format!("Line {line}, `{entry}`: {}", problem.problem)
}

async fn page(app: &App, member: &ProjectMember, mut typed: Typed) -> Result<FiltersPage, HttpError> {
    let (viewer, project) = (&member.viewer, &member.project);
    let hour = hour_of(app.clock.now());
    let since = [hour - 30 * 24 + 1, hour - 7 * 24 + 1];
    let counts = outcomes::filtered(&mut *app.db.acquire().await.ours()?, project.id, since).await.ours()?;
    let switches = SWITCHES.map(|(id, reason, title, hint, place)| SwitchRow {
        id,
        title,
        hint,
        on: *place(&mut typed.settings),
        dropped: dropped(&counts, reason),
    });
    let is_on = |browser: &LegacyBrowser| typed.settings.legacy_browsers.contains(browser);
    let browsers = BROWSERS.iter().enumerate().map(|(at, (browser, id, label))| (at, BrowserRow { id, label, on: is_on(browser) }));
    let lists = LISTS.into_iter().zip(typed.texts).zip(typed.problems).map(|(((id, reason, [title, hint, example], _), text), errors)| {
        ListRow { id, title, hint, example, text, errors, dropped: reason.map(|reason| dropped(&counts, reason)) }
    });
    Ok(FiltersPage {
        shell: viewer.shell(app, "Inbound filters", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        may_change: viewer.is_admin,
        switches: switches.into(),
        browsers: browsers.filter(|(at, row)| *at < CURRENT_BROWSERS || row.on).map(|(_, row)| row).collect(),
        browsers_dropped: dropped(&counts, FilterReason::LegacyBrowser),
        lists: lists.collect(),
        errors: FieldErrors::default(),
    })
}

fn dropped(counts: &[FilterCount], reason: FilterReason) -> Dropped {
    let found = counts.iter().find(|count| count.reason == reason.stat_key());
    found.map_or_else(Dropped::default, |count| Dropped { week: count.late, month: count.all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_stored_by_the_names_of_the_form() {
        for (browser, id, _) in BROWSERS {
            assert_eq!(json!(browser), json!(id));
        }
    }

    #[test]
    fn every_filter_has_its_place_on_the_page() {
        let switches = SWITCHES.iter().map(|switch| switch.1);
        let lists = LISTS.iter().filter_map(|list| list.1);
        let mut shown: Vec<_> = switches.chain(lists).chain([FilterReason::LegacyBrowser]).collect();
        shown.sort_unstable();
        let mut all = FilterReason::ALL;
        all.sort_unstable();
        assert_eq!(shown, all);
    }

    #[test]
    fn problems_name_their_line() {
        let problem = FilterProblem { field: "releases", entry: "[a".to_owned(), problem: "it is not closed".to_owned() };
        assert_eq!(placed(&problem, "ok\n\n [a "), "Line 3, `[a`: it is not closed");
        assert_eq!(field(&problem), "releases");
    }
}
