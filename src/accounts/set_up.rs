//! # Set-up: the first account of a fresh server
//! **Promise.** Whoever reads the server's output makes the first account, nobody else, and only one of them. **How.** A link with a secret, of
//! which the hash is stored; it works once, for a day, and only while there is no account. **When it breaks.** A lost link: a restart prints another.

use axum::response::Response;
use chrono::TimeDelta;
use http::{StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use sqlx::PgConnection;

use super::client::Client;
use super::throttle::Throttle;
use super::users::CreateUserError;
use super::{OurFault as _, passwords, secret, see_other, sessions, users};
use crate::platform::App;
use crate::web::pages::sign_in::SetUpPage;
use crate::web::{FieldErrors, Flash, HttpError, html, html_with, urls};

const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// The path of a new set-up link, while there is no account.
pub async fn ensure_set_up_link(app: &App) -> anyhow::Result<Option<String>> {
    let mut db = app.db.acquire().await?;
    if users::any(&mut db).await? {
        return Ok(None);
    }
    let now = app.clock.now();
    let token = app.ids.secret();
    sqlx::query!("delete from one_time_links where purpose = 'set-up' and expires_at <= $1", now).execute(&mut *db).await?;
    sqlx::query!(
        "insert into one_time_links (token_hash, purpose, created_at, expires_at) values ($1, 'set-up', $2, $3)",
        secret::hash(&token),
        now,
        now + LIFETIME
    )
    .execute(&mut *db)
    .await?;
    Ok(Some(urls::set_up(&token)))
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(super) struct SetUpForm {
    email: String,
    #[serde(deserialize_with = "secret::typed")]
    password: SecretString,
}

/// `GET /set-up/{token}`: the form.
pub(super) async fn show(app: App, token: String) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    if !is_open(&mut db, &app, &token).await? {
        return Err(HttpError::NotFound);
    }
    let page = SetUpPage { action: urls::set_up(&token), ..SetUpPage::default() };
    Ok(html(&page))
}

/// `POST /set-up/{token}`: makes the account and signs in.
pub(super) async fn submit(app: App, client: Client, throttle: &Throttle, token: String, form: SetUpForm) -> Result<Response, HttpError> {
    throttle.take(client.address, "", app.clock.now())?;
    if !is_open(&mut *app.db.acquire().await.ours()?, &app, &token).await? {
        return Err(HttpError::NotFound);
    }
    let mut errors = FieldErrors::default();
    let email = users::email(&form.email);
    if email.is_none() {
        errors = errors.with("email", "This is no e-mail address. It looks like ana@example.org.");
    }
    if let Some(problem) = passwords::problem(&form.password) {
        errors = errors.with("password", problem);
    }
    let Some(email) = email.filter(|_| errors.is_empty()) else {
        let page = SetUpPage { action: urls::set_up(&token), email: form.email, errors };
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let hash = passwords::hash(&form.password, &app.ids).await?;
    let mut tx = app.db.begin().await.ours()?;
    // Holds off every other way to make an account, so that of two first ones one is the first.
    sqlx::query!("lock table users in share row exclusive mode").execute(&mut *tx).await.ours()?;
    if users::any(&mut tx).await.ours()? || !use_up(&mut tx, &app, &token).await? {
        return Err(HttpError::NotFound);
    }
    let user = users::insert(&mut tx, &email, Some(&hash), true, app.clock.now()).await.map_err(|error| match error {
        CreateUserError::Other(error) => HttpError::Internal(error),
        other => HttpError::Internal(other.into()),
    })?;
    let cookie = sessions::begin(&mut tx, &app, user, &client).await?;
    tx.commit().await.ours()?;
    throttle.give_back(client.address, "");
    tracing::info!(user.id = user.0, "the first account was made");
    let mut response = see_other(&urls::projects(), &Flash::done("Your account is made, and you are signed in."));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Whether the link would work now.
async fn is_open(db: &mut PgConnection, app: &App, token: &str) -> anyhow::Result<bool> {
    let open = sqlx::query_scalar!(
        r#"select exists(select 1 from one_time_links where token_hash = $1 and purpose = 'set-up' and used_at is null and expires_at > $2)
            and not exists (select 1 from users) as "open!""#,
        secret::hash(token),
        app.clock.now()
    );
    Ok(open.fetch_one(db).await?)
}

/// Uses the link; whether it worked.
async fn use_up(db: &mut PgConnection, app: &App, token: &str) -> anyhow::Result<bool> {
    let used = sqlx::query!(
        "update one_time_links set used_at = $2 where token_hash = $1 and purpose = 'set-up' and used_at is null and expires_at > $2",
        secret::hash(token),
        app.clock.now()
    );
    Ok(used.execute(db).await?.rows_affected() == 1)
}
