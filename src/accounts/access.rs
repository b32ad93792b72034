//! Routes as data, and the guard before each of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{MethodRouter, on};
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, Method, header};
use url::{Position, Url};

use super::sessions::{self, Named};
use super::{ProjectId, SessionId, UserId};
use crate::platform::App;
use crate::web::shell::{LimitNotice, Link, MuteNotice};
use crate::web::{Flash, HttpError, Shell, SignedIn, When, prefix, urls, urls::IssueQuery};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has a session.
    SignedIn,
    /// Members of the project that `{slug}` or `{issue}` in the path belongs to, and administrators.
    Member,
    /// Administrators; where the path names a project, handlers get it as [`ProjectMember`].
    Admin,
}

/// One row of the URL table.
#[derive(Debug, Clone)]
pub struct Route {
    /// GET or POST.
    pub method: Method,
    /// As axum writes it.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    handler: MethodRouter<App>,
}

/// A page.
pub fn get<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, App>) -> Route {
    Route { method: Method::GET, path, access, handler: axum::routing::get(handler) }
}

/// An action.
pub fn post<T: 'static>(path: &'static str, access: Access, handler: impl Handler<T, App>) -> Route {
    Route { method: Method::POST, path, access, handler: on(axum::routing::MethodFilter::POST, handler) }
}

/// The router of these routes, each behind its guard.
pub fn router(routes: Vec<Route>, app: &App) -> Router<App> {
    routes.into_iter().fold(Router::new(), |router, route| {
        let guarded = route.handler.layer(from_fn_with_state((app.clone(), route.access), guard));
        router.route(route.path, guarded)
    })
}

/// A project that somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleProject {
    /// Its internal number.
    pub id: ProjectId,
    /// In addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What its short ids begin with.
    pub short_prefix: String,
    /// Since when limits of it drop something, and how much they dropped.
    pub limited: Option<(DateTime<Utc>, i64)>,
    /// Nothing gets through to one of its channels.
    pub is_failing: bool,
    /// Nobody is told of anything in it; until when, if that ends by itself.
    pub muted: Option<Option<DateTime<Utc>>>,
}

/// Who looks.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// The account.
    pub user_id: UserId,
    /// Its address.
    pub email: String,
    /// May do everything.
    pub is_admin: bool,
    /// This sign-in.
    pub session_id: SessionId,
    /// What they may see, by name: all projects for administrators.
    pub projects: Arc<[VisibleProject]>,
    flash: Option<Flash>,
}

impl Viewer {
    /// Whoever this session belongs to.
    pub fn new(user_id: UserId, email: String, is_admin: bool, session_id: SessionId, projects: Vec<VisibleProject>) -> Self {
        Self { user_id, email, is_admin, session_id, projects: projects.into(), flash: None }
    }

    /// The project with this slug, if they may see it.
    pub fn project(&self, slug: &str) -> Option<&VisibleProject> {
        self.projects.iter().find(|project| project.slug == slug)
    }

    /// The project with this number, if they may see it.
    pub fn project_by_id(&self, id: ProjectId) -> Option<&VisibleProject> {
        self.projects.iter().find(|project| project.id == id)
    }

    /// The shell around a page they see; prints what the action before had to say.
    pub fn shell(&self, app: &App, title: impl Into<String>, query: IssueQuery) -> Shell {
        let projects: Vec<_> = self.projects.iter().map(|project| (project.slug.clone(), project.name.clone())).collect();
        let mut shell = Shell::new(title, Some(SignedIn::new(&self.email, self.is_admin)), &projects, query, app.clock.now());
        shell.flash.clone_from(&self.flash);
        let shown = |project: &&VisibleProject| shell.query.project.is_empty() || project.slug == shell.query.project;
        if self.is_admin {
            shell.troubles = app.board().shown().iter().map(|trouble| trouble.words.clone()).collect();
        }
        let failing = self.projects.iter().filter(|project| self.is_admin && project.is_failing).find(shown);
        shell.failing = failing.map(|project| Link::new(project.name.clone(), urls::project_channels(&project.slug)));
        let shown = self.projects.iter().find(|project| project.slug == shell.query.project);
        shell.limited = shown.and_then(|project| Some((project, project.limited?))).map(|(project, (since, dropped))| {
            let now = app.clock.now();
            LimitNotice { since: When::new(since, now), dropped, href: urls::project_limits(&project.slug) }
        });
        let muted = shown.and_then(|project| Some((project, project.muted?)));
        shell.muted = muted.map(|(project, until)| MuteNotice { until, href: urls::project_alerts(&project.slug) });
        shell
    }
}

/// Who looks at a page of one project, which they may see.
#[derive(Debug, Clone)]
pub struct ProjectMember {
    /// Who.
    pub viewer: Viewer,
    /// What.
    pub project: VisibleProject,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        parts.extensions.get::<Self>().cloned().ok_or(HttpError::Unauthenticated)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ProjectMember {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HttpError> {
        parts.extensions.get::<Self>().cloned().ok_or(HttpError::NotFound)
    }
}

/// Lets in whom the route's [`Access`] lets in, and leaves for its handler who that is.
pub async fn guard(State((app, access)): State<(App, Access)>, params: RawPathParams, mut request: Request, next: Next) -> Response {
    // No name in the database has a NUL, and PostgreSQL takes none.
    if params.iter().any(|(_, value)| value.contains('\0')) {
        return HttpError::NotFound.into_response();
    }
    if access == Access::Public {
        return next.run(request).await;
    }
    let named = named(&params);
    let viewer = match sessions::viewer(&app, request.headers(), &named).await {
        Ok(Some(viewer)) => Viewer { flash: Flash::from_cookies(request.headers()), ..viewer },
        Ok(None) if request.method() == Method::GET => {
            let next = request.uri().path_and_query().map_or("", |path| path.as_str());
            return Redirect::to(&urls::sign_in_then(next)).into_response();
        }
        Ok(None) => return HttpError::SessionEnded { next: came_from(&app, request.headers()) }.into_response(),
        Err(error) => return HttpError::Internal(error).into_response(),
    };
    if access == Access::Admin && !viewer.is_admin {
        return HttpError::Forbidden.into_response();
    }
    let project = viewer.project(&named.slug).or_else(|| viewer.project_by_id(ProjectId(named.id))).cloned();
    if access == Access::Member && project.is_none() {
        return HttpError::NotFound.into_response();
    }
    if let Some(project) = project {
        request.extensions_mut().insert(ProjectMember { project, viewer: viewer.clone() });
    }
    let had_flash = viewer.flash.is_some() && request.method() == Method::GET;
    request.extensions_mut().insert(viewer);
    let mut response = next.run(request).await;
    if had_flash && response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        response.headers_mut().append(header::SET_COOKIE, Flash::clear_cookie());
    }
    response
}

/// The page of ours that a form was sent from, as the browser says; the front page if it says none, or another's.
fn came_from(app: &App, headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let page = text(header::REFERER).and_then(|referer| Url::parse(referer).ok());
    // A browser may know this server by another name than the public one; then it sends that as host.
    let is_ours = |page: &Url| page.origin() == app.url.origin() || text(header::HOST).is_some_and(|host| host == page.authority());
    page.filter(is_ours).map_or_else(urls::home, |page| local(&page[Position::BeforePath..Position::AfterQuery]))
}

/// `next`, if it is a path of this dashboard; else the front page. Browsers read `//host` and `/\host` as other hosts, and drop tabs and line ends.
pub(super) fn local(next: &str) -> String {
    let next = prefix::strip(next);
    let is_local = next.starts_with('/') && !next[1..].starts_with('/') && !next.contains(|c: char| c == '\\' || c.is_control());
    // What is no header value by itself (letters beyond ASCII) was never one of our addresses.
    if is_local && next.is_ascii() && next.len() <= 2000 { prefix::add(next) } else { urls::home() }
}

/// The project that the path names: by its slug, or by an issue's id, which carries its project's number in its upper half.
fn named(params: &RawPathParams) -> Named {
    let mut named = Named::default();
    for (name, value) in params {
        match name {
            "slug" => value.clone_into(&mut named.slug),
            "issue" => named.id = value.parse::<i64>().ok().and_then(|id| i32::try_from(id >> 32).ok()).unwrap_or_default(),
            _ => {}
        }
    }
    named
}

/// The answer to a POST that worked: another page, which says what happened.
pub fn see_other(path: &str, flash: &Flash) -> Response {
    let mut response = Redirect::to(path).into_response();
    response.headers_mut().append(header::SET_COOKIE, flash.set_cookie());
    response
}

/// In handlers: a database that does not answer is our fault.
pub trait OurFault<T> {
    /// The same, as what a page fails with.
    fn ours(self) -> Result<T, HttpError>;
}

impl<T> OurFault<T> for sqlx::Result<T> {
    fn ours(self) -> Result<T, HttpError> {
        self.map_err(|error| HttpError::Internal(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_our_own_pages_only() {
        for ours in ["/issues?project=shop&q=a%20b", "/", "/issues/4294967338"] {
            assert_eq!(local(ours), ours);
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil.example",
            "evil",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x",
            "/é",
            " /issues",
        ] {
            assert_eq!(local(foreign), "/issues", "{foreign:?}");
        }
        assert_eq!(local(&format!("/{}", "x".repeat(3000))), "/issues");
    }
}
