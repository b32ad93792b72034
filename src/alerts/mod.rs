//! # Alerts: who is told, and what became of it
//! **Promise.** A member hears of a new issue or regression at once, of those that follow soon in one mail more ([`gather`]), of feedback likewise; every decision (queued, sent, kept, failed, skipped, and why) stands in the
//! delivery log with the mail itself. **How.** Facts come as jobs of the outbox. [`compose`] turns one fact into rows of `mails` and one job
//! each, in the transaction that ends the fact's job: a fact makes its mails once. [`rules`] say who is told, [`personal`] asks each person's own wishes, [`links`] lets them act from a mail.
//! [`watch`] finds spikes, [`spiked`] tells of them; [`feedback`] holds back what comes soon after; [`noise`] tells of a place that makes many issues, once. [`deliver`] hands one mail to SMTP.
//! **When it breaks.** A refused or unreachable server: tried again for two days ([`outbox::backoff`](crate::platform::outbox::backoff)), each
//! attempt logged. A crash after the server took a mail and before that is written repeats it: seconds at most, and with the same
//! `Message-ID`, so that mail clients show one. A job that is given up, even one that never came to write a mail, becomes a failed line of the log
//! ([`given_up`]), and whoever may read it may try it again ([`actions`]). Lines go after the days of retention ([`Retention`]). [`channels`] are told beside people; [`weekly`] sums up a week for who asks. **Not here.** Transport (`platform::mail`), how mails look (`web::mail_view`).

mod actions;
mod channels;
mod compose;
mod deliver;
mod feedback;
mod gather;
mod given_up;
mod limits;
mod links;
mod noise;
mod pages;
mod personal;
mod queries;
mod retention;
mod rules;
mod silence;
mod spiked;
pub mod spikes;
mod surge;
mod told;
mod trouble;
mod unignored;
pub mod watch;
mod weekly;

pub use retention::{MAILS_PER_PROJECT, Retention};
pub use trouble::LookForTrouble;
pub use weekly::Weekly;

use self::rules::FactKind;
use crate::accounts::{Access, Route, get, post};
use crate::feedback::FEEDBACK_RECEIVED;
use crate::issues::facts::{ISSUE_APPEARED, ISSUE_REGRESSED, ISSUE_SPIKE_OVER, ISSUE_SPIKED, ISSUE_UNIGNORED};
use crate::platform::outbox::Handlers;
use crate::projects::noise::{ISSUES_NOISY, ISSUES_UNTOLD};
use crate::projects::quotas::{LIMIT_ENDED, LIMIT_REACHED};
use crate::web::mail_view::MailKind;

/// The kind of job that delivers one mail.
const MAIL_SEND: &str = "mail.send";

/// The routes of rules, of channels and of the delivery log.
pub fn routes() -> Vec<Route> {
    let log = vec![
        get("/mails", Access::SignedIn, pages::list),
        get("/issues/{issue}/told", Access::Member, told::of_issue),
        get("/account/told", Access::SignedIn, told::to_me),
        get("/account/notifications", Access::SignedIn, personal::show),
        post("/account/notifications", Access::SignedIn, personal::save),
        post("/issues/{issue}/mute", Access::Member, personal::mute),
        post("/issues/{issue}/unmute", Access::Member, personal::unmute),
        get("/mail-links/{token}", Access::Public, links::show),
        post("/mail-links/{token}", Access::Public, links::act),
        get("/mails/{id}", Access::SignedIn, pages::show),
        get("/mails/{id}/html", Access::SignedIn, pages::html_body),
        post("/mails/{id}/again", Access::SignedIn, actions::again),
        post("/mails/test", Access::Admin, actions::test),
    ];
    [log, rules::routes(), channels::routes()].concat()
}

/// Adds the handlers of this room's jobs.
#[must_use]
pub fn handlers(handlers: Handlers) -> Handlers {
    channels::handlers(handlers)
        .with(ISSUE_APPEARED, Box::new(|app, job| Box::pin(compose::appeared(app, job))))
        .with(ISSUE_REGRESSED, Box::new(|app, job| Box::pin(compose::regressed(app, job))))
        .with(ISSUE_UNIGNORED, Box::new(|app, job| Box::pin(unignored::told(app, job))))
        .with(ISSUE_SPIKED, Box::new(|app, job| Box::pin(spiked::told(app, job))))
        .with(ISSUE_SPIKE_OVER, Box::new(|app, job| Box::pin(spiked::over(app, job))))
        .with(surge::PROJECT_SURGED, Box::new(|app, job| Box::pin(surge::told(app, job))))
        .with(surge::PROJECT_SURGE_OVER, Box::new(|app, job| Box::pin(surge::over(app, job))))
        .with(silence::PROJECT_STOPPED, Box::new(|app, job| Box::pin(silence::told(app, job))))
        .with(silence::PROJECT_BACK, Box::new(|app, job| Box::pin(silence::back(app, job))))
        .with(LIMIT_REACHED, Box::new(|app, job| Box::pin(limits::told(app, job))))
        .with(LIMIT_ENDED, Box::new(|app, job| Box::pin(limits::told(app, job))))
        .with(FEEDBACK_RECEIVED, Box::new(|app, job| Box::pin(feedback::told(app, job))))
        .with(ISSUES_NOISY, Box::new(|app, job| Box::pin(noise::told(app, job))))
        .with(ISSUES_UNTOLD, Box::new(|app, job| Box::pin(noise::untold(app, job))))
        .with(gather::GATHERED, Box::new(|app, job| Box::pin(gather::due(app, job))))
        .with(MAIL_SEND, Box::new(|app, job| Box::pin(deliver::deliver(app, job))))
        .when_dead(ISSUE_APPEARED, Box::new(|app, db, dead| Box::pin(given_up::fact(app, db, dead, MailKind::NewIssue))))
        .when_dead(ISSUE_REGRESSED, Box::new(|app, db, dead| Box::pin(given_up::fact(app, db, dead, MailKind::Regression))))
        .when_dead(ISSUE_UNIGNORED, Box::new(|app, db, dead| Box::pin(given_up::fact(app, db, dead, MailKind::Unignored))))
        .when_dead(ISSUE_SPIKED, Box::new(|app, db, dead| Box::pin(given_up::fact(app, db, dead, MailKind::Spike))))
        .when_dead(surge::PROJECT_SURGED, Box::new(|app, db, dead| Box::pin(given_up::project(app, db, dead, FactKind::Surge))))
        .when_dead(silence::PROJECT_STOPPED, Box::new(|app, db, dead| Box::pin(given_up::project(app, db, dead, FactKind::EventsStopped))))
        .when_dead(FEEDBACK_RECEIVED, Box::new(|app, db, dead| Box::pin(given_up::feedback(app, db, dead))))
        .when_dead(ISSUES_NOISY, Box::new(|app, db, dead| Box::pin(given_up::noise(app, db, dead))))
        .when_dead(ISSUES_UNTOLD, Box::new(|app, db, dead| Box::pin(given_up::noise(app, db, dead))))
        .when_dead(MAIL_SEND, Box::new(|app, db, dead| Box::pin(given_up::delivery(app, db, dead))))
}
