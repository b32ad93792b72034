//! # Users: who has an account
//! **Promise.** One account per address, whatever its capitals. **How.** All SQL of `users`. An address is checked by the mail library, since
//! mails go to it. **Not here.** Sessions; the hashing ([`super::passwords`]).

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use sqlx::PgConnection;

use super::{UserId, passwords};
use crate::platform::App;
use crate::platform::db::{Db, OnConstraint as _};
use crate::platform::ids::Ids;
use crate::web::HttpError;

/// What `users.email` holds at most.
const MAX_EMAIL: usize = 254;

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// No address.
    #[error("`{0}` is no e-mail address. It looks like ana@example.org.")]
    EmailInvalid(String),
    /// Somebody has it.
    #[error("{0} has an account already. Sign in with it, or choose another address.")]
    EmailTaken(String),
    /// Too short or too long.
    #[error("The password cannot be used: {0}")]
    PasswordInvalid(String),
    /// The database, or the hashing.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl From<sqlx::Error> for CreateUserError {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(error.into())
    }
}

/// What a new account should be.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Its address.
    pub email: &'a str,
    /// May do everything.
    pub is_admin: bool,
    /// Without one nobody can sign in with it yet; it may be a member and get mails.
    pub password: Option<&'a SecretString>,
}

/// Makes an account.
pub async fn create_user(db: &Db, new: &NewUser<'_>, ids: &Ids, now: DateTime<Utc>) -> Result<UserId, CreateUserError> {
    let email = email(new.email).ok_or_else(|| CreateUserError::EmailInvalid(new.email.to_owned()))?;
    let hash = match new.password {
        Some(password) => {
            passwords::problem(password).map_or(Ok(()), |problem| Err(CreateUserError::PasswordInvalid(problem)))?;
            Some(passwords::hash(password, ids).await.map_err(internal)?)
        }
        None => None,
    };
    insert(&mut *db.acquire().await?, &email, hash.as_deref(), new.is_admin, now).await
}

/// Whether an account can be made with these.
pub fn check_account(address: &str, password: &SecretString) -> Result<(), CreateUserError> {
    email(address).ok_or_else(|| CreateUserError::EmailInvalid(address.to_owned()))?;
    passwords::problem(password).map_or(Ok(()), |problem| Err(CreateUserError::PasswordInvalid(problem)))
}

/// The account that the settings name, if nobody has the address: an administrator. An account that exists stays as it is, also its password.
pub async fn first_account(app: &App, email: &str, password: SecretString) -> Result<(), CreateUserError> {
    let exists = sqlx::query_scalar!(r#"select exists(select 1 from users where lower(email) = lower($1)) as "exists!""#, email.trim());
    if exists.fetch_one(&app.db).await? {
        return Ok(());
    }
    let new = NewUser { email, is_admin: true, password: Some(&password) };
    match create_user(&app.db, &new, &app.ids, app.clock.now()).await {
        // Another process was faster.
        Ok(_) | Err(CreateUserError::EmailTaken(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The account with an address, for who adds members: only active ones.
pub async fn find_user(db: &mut PgConnection, email: &str) -> sqlx::Result<Option<(UserId, String)>> {
    let found =
        sqlx::query!(r#"select user_id as "user_id: UserId", email from users where lower(email) = lower($1) and is_active"#, plain(email));
    Ok(found.fetch_optional(db).await?.map(|row| (row.user_id, row.email)))
}

/// The address as it is kept, if it is one.
pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() <= MAX_EMAIL && text.parse::<lettre::Address>().is_ok()).then(|| text.to_owned())
}

/// Text that PostgreSQL can compare with.
fn plain(email: &str) -> String {
    email.trim().chars().filter(|c| *c != '\0').take(MAX_EMAIL).collect()
}

/// Adds an account.
pub(super) async fn insert(
    db: &mut PgConnection,
    email: &str,
    password_hash: Option<&str>,
    is_admin: bool,
    now: DateTime<Utc>,
) -> Result<UserId, CreateUserError> {
    sqlx::query_scalar!(
        r#"insert into users (email, password_hash, is_admin, created_at) values ($1, $2, $3, $4) returning user_id as "id: UserId""#,
        email,
        password_hash,
        is_admin,
        now
    )
    .fetch_one(db)
    .await
    .on_constraint("users_email_key", || CreateUserError::EmailTaken(email.to_owned()))
}

/// Whether anybody has an account.
pub(super) async fn any(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists(select 1 from users) as "any!""#).fetch_one(db).await
}

/// What signing in needs to know.
pub(super) struct Credentials {
    pub(super) user_id: UserId,
    pub(super) password_hash: Option<String>,
}

/// The active account with an address.
pub(super) async fn credentials(db: &mut PgConnection, email: &str) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as!(
        Credentials,
        r#"select user_id as "user_id: UserId", password_hash from users where lower(email) = lower($1) and is_active"#,
        plain(email)
    )
    .fetch_optional(db)
    .await
}

/// Gives an account another password hash, if it still has the one that was checked: of two changes at once, one is told that it came too late.
pub(super) async fn set_hash(db: &mut PgConnection, user: UserId, checked: Option<&str>, new: &str) -> sqlx::Result<bool> {
    let set = sqlx::query!(
        "update users set password_hash = $3 where user_id = $1 and password_hash is not distinct from $2",
        user.0,
        checked,
        new
    );
    Ok(set.execute(db).await?.rows_affected() == 1)
}

fn internal(error: HttpError) -> CreateUserError {
    CreateUserError::Other(match error {
        HttpError::Internal(error) => error,
        other => anyhow::anyhow!("the password could not be hashed: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_mails_can_go_to() {
        for good in ["ana@example.org", " ana.kovac+x@sub.example.org ", "ana@localhost"] {
            assert_eq!(email(good).as_deref(), Some(good.trim()));
        }
        let long = format!("{}@example.org", "x".repeat(300));
        for bad in ["", "ana", "@example.org", "ana@", "a b@example.org", "ana@example.org\r\nBcc: x@y", "a\0@b.c", long.as_str()] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn nothing_that_is_typed_breaks_a_query() {
        assert_eq!(plain(" a\0b@c "), "ab@c");
        assert_eq!(plain(&"é".repeat(1000)).chars().count(), MAX_EMAIL);
    }
}
