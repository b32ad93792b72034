//! Pages without a room-specific view of their own: sign-in and set-up, projects, the delivery log, the account. Handlers of `accounts`, `projects` and `alerts` fill them.

pub mod account;
pub mod mails;
pub mod project;
pub mod projects;
pub mod settings;
pub mod sign_in;
pub mod snippets;

#[cfg(test)]
mod tests {
    use crate::web::{Page, page::render_samples};

    fn check<P: Page>() {
        for (page, state, html) in render_samples::<P>() {
            let html = html.unwrap();
            for inert in ["<script>alert", "<img src=x", " style=", "href=\"javascript", "onclick"] {
                assert!(!html.contains(inert), "{page} {state}: {inert}");
            }
            assert_eq!(html.matches("<h1").count(), 1, "{page} {state}: one heading");
        }
    }

    #[test]
    fn every_state_of_every_page_renders_inert_with_one_heading() {
        check::<super::account::AccountPage>();
        check::<super::mails::MailsPage>();
        check::<super::mails::MailPage>();
        check::<super::project::ProjectPage>();
        check::<super::projects::ProjectsPage>();
        check::<super::projects::NewProjectPage>();
        check::<super::settings::SettingsPage>();
        check::<super::sign_in::SignInPage>();
        check::<super::sign_in::SetUpPage>();
        check::<crate::web::error::ErrorPage>();
        check::<crate::issues::view::IssueListPage>();
        check::<crate::issues::view::IssuePage>();
        check::<crate::issues::view::GroupingPage>();
    }
}
