//! The pages of accounts: sign-in and set-up, the account.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;

use super::access::local;
use super::client::Client;
use super::passwords::{self, Verdict};
use super::sessions::{self, Named};
use super::throttle::Throttle;
use super::users::{self, Credentials};
use super::{Access, OurFault as _, Route, SessionId, Viewer, get, post, secret, see_other, set_up};
use crate::platform::App;
use crate::web::pages::account::{AccountPage, SessionRow};
use crate::web::pages::sign_in::SignInPage;
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Flash, Form, HttpError, Path, Query, When, html, html_with};

/// The addresses of accounts, and `/`. Each router of them counts tries by itself.
pub fn routes() -> Vec<Route> {
    let throttle = Arc::new(Throttle::default());
    let (sign_in_throttle, set_up_throttle, password_throttle) = (Arc::clone(&throttle), Arc::clone(&throttle), throttle);
    vec![
        get("/", Access::Public, async || Redirect::to(&urls::home())),
        get("/sign-in", Access::Public, sign_in_form),
        post("/sign-in", Access::Public, move |app: App, client: Client, headers: HeaderMap, Form(form): Form<SignInForm>| {
            let throttle = Arc::clone(&sign_in_throttle);
            async move { sign_in(app, client, &throttle, &headers, form).await }
        }),
        post("/sign-out", Access::Public, sign_out),
        get("/set-up/{token}", Access::Public, |app: App, Path(token): Path<String>| set_up::show(app, token)),
        post(
            "/set-up/{token}",
            Access::Public,
            move |app: App, client: Client, Path(token): Path<String>, Form(form): Form<set_up::SetUpForm>| {
                let throttle = Arc::clone(&set_up_throttle);
                async move { set_up::submit(app, client, &throttle, token, form).await }
            },
        ),
        get("/account", Access::SignedIn, show),
        post("/account/password", Access::SignedIn, move |app: App, client: Client, viewer: Viewer, Form(form): Form<PasswordForm>| {
            let throttle = Arc::clone(&password_throttle);
            async move { change_password(app, client, &throttle, &viewer, form).await }
        }),
        post("/account/sessions/{id}/end", Access::SignedIn, end_session),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SignInQuery {
    next: String,
}

#[derive(Debug, Deserialize)]
struct SignInForm {
    email: String,
    #[serde(deserialize_with = "secret::typed")]
    password: SecretString,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
struct PasswordForm {
    #[serde(deserialize_with = "secret::typed")]
    current: SecretString,
    #[serde(deserialize_with = "secret::typed")]
    password: SecretString,
}

/// `GET /sign-in`: the form; who is signed in goes where they wanted to.
async fn sign_in_form(app: App, headers: HeaderMap, Query(query): Query<SignInQuery>) -> Result<Response, HttpError> {
    if sessions::viewer(&app, &headers, &Named::default()).await?.is_some() {
        return Ok(Redirect::to(&local(&query.next)).into_response());
    }
    let no_account_yet = !users::any(&mut *app.db.acquire().await.ours()?).await.ours()?;
    Ok(html(&SignInPage { next: query.next, no_account_yet, ..SignInPage::default() }))
}

/// `POST /sign-in`: a session, in place of the one there was.
async fn sign_in(app: App, client: Client, throttle: &Throttle, headers: &HeaderMap, form: SignInForm) -> Result<Response, HttpError> {
    throttle.take(client.address, form.email.trim(), app.clock.now())?;
    let known = {
        let mut db = app.db.acquire().await.ours()?;
        users::credentials(&mut db, &form.email).await.ours()?
    };
    let verdict = passwords::verify(&form.password, known.as_ref().and_then(|known| known.password_hash.clone())).await?;
    let Some(known) = known.filter(|_| verdict != Verdict::Wrong) else {
        let errors = FieldErrors::general("E-mail address and password do not belong together.");
        let page = SignInPage { email: form.email, next: form.next, errors, no_account_yet: false };
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    throttle.give_back(client.address, form.email.trim());
    if verdict == Verdict::RightButOld {
        hash_again(&app, &known, &form.password).await?;
    }
    sessions::end_this(&app, headers).await?;
    let cookie = sessions::begin(&mut *app.db.acquire().await.ours()?, &app, known.user_id, &client).await?;
    let mut response = Redirect::to(&local(&form.next)).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Stores the hash of a password that was right with today's parameters.
async fn hash_again(app: &App, known: &Credentials, password: &SecretString) -> Result<(), HttpError> {
    let hash = passwords::hash(password, &app.ids).await?;
    let mut db = app.db.acquire().await.ours()?;
    users::set_hash(&mut db, known.user_id, known.password_hash.as_deref(), &hash).await.ours()?;
    Ok(())
}

/// `POST /sign-out`: ends the session, if there is one.
async fn sign_out(app: App, headers: HeaderMap) -> Result<Response, HttpError> {
    let cookie = sessions::end_this(&app, &headers).await?;
    let mut response = Redirect::to(&urls::sign_in()).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `GET /account`.
async fn show(app: App, viewer: Viewer) -> Result<Response, HttpError> {
    Ok(html(&account_page(&app, &viewer, FieldErrors::default()).await?))
}

/// `POST /account/password`: another password; the other sessions end.
async fn change_password(
    app: App,
    client: Client,
    throttle: &Throttle,
    viewer: &Viewer,
    form: PasswordForm,
) -> Result<Response, HttpError> {
    throttle.take(client.address, &viewer.email, app.clock.now())?;
    let known = {
        let mut db = app.db.acquire().await.ours()?;
        users::credentials(&mut db, &viewer.email).await.ours()?.ok_or(HttpError::Unauthenticated)?
    };
    let mut errors = FieldErrors::default();
    if passwords::verify(&form.current, known.password_hash.clone()).await? == Verdict::Wrong {
        errors = errors.with("current", "This is not your password.");
    } else {
        throttle.give_back(client.address, &viewer.email);
    }
    if let Some(problem) = passwords::problem(&form.password) {
        errors = errors.with("password", problem);
    }
    if !errors.is_empty() {
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &account_page(&app, viewer, errors).await?));
    }
    let hash = passwords::hash(&form.password, &app.ids).await?;
    let mut tx = app.db.begin().await.ours()?;
    if !users::set_hash(&mut tx, known.user_id, known.password_hash.as_deref(), &hash).await.ours()? {
        return Err(HttpError::Conflict("Your password was changed at the same moment, elsewhere. Sign in with that one."));
    }
    let ended = sessions::end_others(&mut tx, known.user_id, viewer.session_id).await.ours()?;
    tx.commit().await.ours()?;
    let text = match ended {
        0 => "Your password is changed.".to_owned(),
        1 => "Your password is changed, and one other session ended.".to_owned(),
        n => format!("Your password is changed, and {n} other sessions ended."),
    };
    Ok(see_other(&urls::account(), &Flash::done(text)))
}

/// `POST /account/sessions/{id}/end`.
async fn end_session(app: App, viewer: Viewer, Path(id): Path<SessionId>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let flash = if sessions::end(&mut db, viewer.user_id, id).await.ours()? {
        Flash::done("The session has ended.")
    } else {
        Flash::warning("That session had ended already.")
    };
    Ok(see_other(&urls::account(), &flash))
}

async fn account_page(app: &App, viewer: &Viewer, errors: FieldErrors) -> Result<AccountPage, HttpError> {
    let now = app.clock.now();
    let mut db = app.db.acquire().await.ours()?;
    let listed = sessions::list(&mut db, viewer.user_id, now).await.ours()?;
    let rows = listed.into_iter().map(|session| SessionRow {
        id: session.session_id.to_string(),
        client: session.client,
        ip: session.ip,
        last_seen: When::new(session.last_seen_at, now),
        created: When::new(session.created_at, now),
        current: session.session_id == viewer.session_id,
    });
    let shell = viewer.shell(app, "Account", IssueQuery::default());
    Ok(AccountPage { shell, email: viewer.email.clone(), sessions: rows.collect(), errors })
}
