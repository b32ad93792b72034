//! Pages without a room-specific view of their own: sign-in and set-up, projects, the delivery log,
//! the account, dead letters. Handlers of `accounts`, `projects`, `alerts` and `ops` fill them.

pub mod account;
pub mod alert_rule;
pub mod alerts;
pub mod channels;
pub mod dead_letters;
pub mod feedback;
pub mod files;
pub mod filters;
pub mod grouping_rules;
pub mod grouping_version;
pub mod key;
pub mod limits;
pub mod mail_link;
pub mod mails;
pub mod noise;
pub mod notifications;
pub mod project;
pub mod projects;
mod request_reasons;
pub mod requests;
pub mod rules_in_force;
pub mod scrubbing;
pub mod settings;
mod settings_tabs;
pub mod sign_in;
pub mod snippets;
pub mod spike;
pub mod stats;
mod stats_reasons;
pub mod told;

#[cfg(test)]
mod tests {
    use crate::web::page::assert_inert;

    #[test]
    fn every_state_of_every_page_renders_inert_with_one_heading() {
        assert_inert::<super::account::AccountPage>();
        assert_inert::<super::alert_rule::AlertRulePage>();
        assert_inert::<super::alerts::AlertsPage>();
        assert_inert::<super::dead_letters::DeadLettersPage>();
        assert_inert::<super::feedback::FeedbackPage>();
        assert_inert::<super::mails::MailsPage>();
        assert_inert::<super::mails::MailPage>();
        assert_inert::<super::project::ProjectPage>();
        assert_inert::<super::projects::ProjectsPage>();
        assert_inert::<super::projects::NewProjectPage>();
        assert_inert::<super::settings::SettingsPage>();
        assert_inert::<super::scrubbing::ScrubbingPage>();
        assert_inert::<super::filters::FiltersPage>();
        assert_inert::<super::grouping_rules::GroupingRulesPage>();
        assert_inert::<super::rules_in_force::RulesInForcePage>();
        assert_inert::<super::stats::StatsPage>();
        assert_inert::<super::limits::LimitsPage>();
        assert_inert::<super::key::KeyPage>();
        assert_inert::<super::requests::RequestsPage>();
        assert_inert::<super::sign_in::SignInPage>();
        assert_inert::<super::sign_in::SetUpPage>();
        assert_inert::<crate::web::error::ErrorPage>();
    }
}
