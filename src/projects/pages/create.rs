//! `GET /projects/new` and `POST /projects`.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use crate::accounts::{Viewer, see_other};
use crate::platform::App;
use crate::projects::{CreateError, NewProject, create};
use crate::web::pages::projects::NewProjectPage;
use crate::web::pages::snippets;
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Flash, Form, HttpError, html, html_with};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct NewForm {
    name: String,
    #[serde(default)]
    platform: String,
}

/// The form.
pub(super) async fn form(app: App, viewer: Viewer) -> Response {
    html(&page(&app, &viewer, String::new(), "python", FieldErrors::default()))
}

/// Makes the project; who made it is its first member.
pub(super) async fn submit(app: App, viewer: Viewer, Form(form): Form<NewForm>) -> Result<Response, HttpError> {
    let platform = snippets::platform(&form.platform).id;
    let new = NewProject { name: form.name, platform: platform.to_owned(), owner: Some(viewer.user_id), ..NewProject::default() };
    match create(&app.db, &new, &app.ids, app.clock.now()).await {
        Ok(created) => Ok(see_other(&urls::project(&created.slug), &Flash::done("The project is made. Give its DSN to an SDK."))),
        Err(CreateError::Other(error)) => Err(HttpError::Internal(error)),
        Err(error) => {
            let errors = FieldErrors::default().with("name", error.to_string());
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &viewer, new.name, platform, errors)))
        }
    }
}

fn page(app: &App, viewer: &Viewer, name: String, platform: &str, errors: FieldErrors) -> NewProjectPage {
    let shell = viewer.shell(app, "New project", IssueQuery::default());
    NewProjectPage { shell, name, platform: platform.to_owned(), errors }
}
