//! People: accounts that signed in by the form, and what they do.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use secrecy::SecretString;
use vedette::accounts::{NewUser, UserId, create_user};

use super::http::{Answer, send};
use super::{PASSWORD, TestApp, URL};

/// A browser with its cookies; signed in or not.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) cookie: String,
    router: Router,
}

impl Person {
    /// Nobody in particular.
    pub(crate) fn anonymous(app: &TestApp) -> Self {
        Self { id: UserId(0), cookie: String::new(), router: app.router.clone() }
    }

    pub(super) async fn sign_up(app: &TestApp, name: &str, is_admin: bool) -> Self {
        let email = format!("{name}@example.test");
        let password = SecretString::from(PASSWORD);
        let new = NewUser { email: &email, is_admin, password: Some(&password) };
        let id = create_user(app.db(), &new, &app.app.ids, app.clock.now()).await.unwrap();
        let mut person = Self { id, ..Self::anonymous(app) };
        let answer = person.post("/sign-in", &[("email", &email), ("password", PASSWORD)]).await.assert_redirect("/issues");
        let cookie = answer.header(header::SET_COOKIE).split(';').next().unwrap_or_default().to_owned();
        assert!(cookie.starts_with("__Host-vedette="), "{cookie}");
        person.cookie = cookie;
        person
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &self.cookie).header(header::HOST, "errors.example");
        send(&self.router, request.body(Body::empty()).unwrap()).await
    }

    /// A page that is there.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        self.get(path).await.assert_ok()
    }

    /// A form, as a browser posts it from our own pages.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_from(path, form, &[("origin", URL), ("sec-fetch-site", "same-origin")]).await
    }

    /// A form with these headers about where it comes from.
    pub(crate) async fn post_from(&self, path: &str, form: &[(&str, &str)], from: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Request::post(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::HOST, "errors.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in from {
            request = request.header(*name, *value);
        }
        send(&self.router, request.body(Body::from(body)).unwrap()).await
    }
}
