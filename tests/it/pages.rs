//! Every page in every state is well-formed and inert; every answer carries the security headers.

use axum::http::Method;
use vedette::issues::view::split_by::SplitByPage;
use vedette::issues::view::{GroupingPage, IssueListPage, IssuePage};
use vedette::route_table;
use vedette::web::Page;
use vedette::web::error::ErrorPage;
use vedette::web::headers::{CSP, DOWNLOAD_CSP, MAIL_CSP};
use vedette::web::page::render_samples;
use vedette::web::pages::account::AccountPage;
use vedette::web::pages::channels::ChannelsPage;
use vedette::web::pages::dead_letters::DeadLettersPage;
use vedette::web::pages::feedback::FeedbackPage;
use vedette::web::pages::filters::FiltersPage;
use vedette::web::pages::grouping_rules::GroupingRulesPage;
use vedette::web::pages::key::KeyPage;
use vedette::web::pages::limits::LimitsPage;
use vedette::web::pages::mails::{MailPage, MailsPage};
use vedette::web::pages::project::ProjectPage;
use vedette::web::pages::projects::{NewProjectPage, ProjectsPage};
use vedette::web::pages::requests::RequestsPage;
use vedette::web::pages::rules_in_force::RulesInForcePage;
use vedette::web::pages::scrubbing::ScrubbingPage;
use vedette::web::pages::settings::SettingsPage;
use vedette::web::pages::sign_in::{SetUpPage, SignInPage};
use vedette::web::pages::stats::StatsPage;

use crate::access::Places;
use crate::harness::markup::assert_page;
use crate::harness::{Answer, Person, app_test};

fn check<P: Page>() -> usize {
    let samples = render_samples::<P>();
    for (page, state, html) in &samples {
        assert_page(html.as_ref().unwrap(), &format!("{page} {state}"));
    }
    samples.len()
}

#[test]
fn every_state_of_every_page_is_well_formed_and_inert() {
    let counts = [
        check::<ErrorPage>(),
        check::<SignInPage>(),
        check::<SetUpPage>(),
        check::<ProjectPage>(),
        check::<ProjectsPage>(),
        check::<NewProjectPage>(),
        check::<SettingsPage>(),
        check::<ScrubbingPage>(),
        check::<FiltersPage>(),
        check::<ChannelsPage>(),
        check::<FeedbackPage>(),
        check::<GroupingRulesPage>(),
        check::<RulesInForcePage>(),
        check::<StatsPage>(),
        check::<LimitsPage>(),
        check::<KeyPage>(),
        check::<RequestsPage>(),
        check::<AccountPage>(),
        check::<DeadLettersPage>(),
        check::<MailsPage>(),
        check::<MailPage>(),
        check::<IssueListPage>(),
        check::<IssuePage>(),
        check::<GroupingPage>(),
        check::<SplitByPage>(),
        check::<vedette::issues::view::events::EventsPage>(),
        check::<vedette::web::pages::told::ToldPage>(),
        check::<vedette::web::pages::alerts::AlertsPage>(),
        check::<vedette::web::pages::alert_rule::AlertRulePage>(),
        check::<vedette::web::pages::mail_link::MailLinkPage>(),
        check::<vedette::web::pages::notifications::NotificationsPage>(),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

fn assert_headers(answer: &Answer, what: &str) {
    let policy = answer.header("content-security-policy");
    let own = if what.contains("/attachments/") { DOWNLOAD_CSP } else { MAIL_CSP };
    assert!(policy == CSP || (policy == own && (what.contains("/html") || own == DOWNLOAD_CSP)), "{what}: {policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(answer.header("referrer-policy"), "same-origin", "{what}");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{what}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
}

#[test]
fn every_answer_carries_the_security_headers() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (admin, nobody) = (app.admin("root").await, Person::anonymous(app));
        let places = Places::make(app, &shop).await;
        for route in route_table() {
            let path = places.path(route.path);
            let by_nobody = if route.method == Method::GET { nobody.get(&path).await } else { nobody.post(&path, &[]).await };
            assert_headers(&by_nobody, &path);
            if route.method == Method::GET {
                let answer = admin.get(&path).await;
                assert_headers(&answer, &path);
                if answer.status == 200 && answer.header("content-type").starts_with("text/html") && !path.ends_with("/html") {
                    assert_page(answer.html(), &path);
                }
            }
        }
        let nowhere = nobody.get("/nowhere").await.assert_status(404);
        assert_headers(&nowhere, "/nowhere");
        assert_page(nowhere.html(), "/nowhere");
        let healthz = nobody.get("/healthz").await;
        assert_eq!(healthz.status, 200);
    });
}

#[test]
fn static_files_are_where_pages_say_and_stay_in_caches() {
    app_test(async |app| {
        let nobody = Person::anonymous(app);
        let page = nobody.page("/sign-in").await;
        let tags = crate::harness::markup::read(page.html()).unwrap();
        let files: Vec<_> =
            tags.iter().flat_map(|tag| [tag.get("href"), tag.get("src")]).flatten().filter(|at| at.starts_with("/static/")).collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            let answer = nobody.page(file).await;
            assert!(answer.header("cache-control").contains("immutable"), "{file}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{file}");
        }
    });
}
