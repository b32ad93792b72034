//! # Making a project
//! **Promise.** A new project has a number, an address that nobody else has, and a key: its DSN works at once. Given the id and key of another
//! server's DSN, that DSN goes on working here. **How.** One transaction. The internal number comes from the sequence; numbers that somebody's
//! DSN already carries are stepped over, so that by default both are equal.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

use super::names;
use crate::accounts::{ProjectId, UserId};
use crate::grouping::Version;
use crate::platform::db::Db;
use crate::platform::ids::Ids;
use crate::protocol::{Dsn, DsnId, PublicKey};

/// Attempts to get a slug or number that somebody else takes at the same moment.
const ATTEMPTS: usize = 5;
/// Numbers stepped over at most: as many projects in a row would have to carry the next numbers as DSN ids.
const STEPS: usize = 10_000;
/// 2^21 − 1: so that an issue's 64-bit id stays below 2^53.
const MAX_PROJECT_ID: i64 = 2_097_151;

/// What a new project should be.
#[derive(Debug, Clone, Default)]
pub struct NewProject {
    /// What people call it.
    pub name: String,
    /// Which snippet is shown first; may be empty.
    pub platform: String,
    /// The number of a DSN that shall go on working.
    pub dsn_id: Option<i64>,
    /// The key of a DSN that shall go on working.
    pub key: Option<PublicKey>,
    /// Its first member.
    pub owner: Option<UserId>,
}

/// A project that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The internal number.
    pub project_id: ProjectId,
    /// In addresses.
    pub slug: String,
    /// The public number.
    pub dsn_id: DsnId,
    /// Its key.
    pub key: PublicKey,
}

/// Why a project was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Nothing to call it.
    #[error("A project needs a name, such as shop-api.")]
    NameEmpty,
    /// Too much to call it.
    #[error("The name has {0} characters; {max} are allowed. Choose a shorter one.", max = names::MAX_NAME)]
    NameTooLong(usize),
    /// No public number.
    #[error("{0} is no project id: it is the number at the end of the DSN, 1 or more.")]
    IdInvalid(i64),
    /// Another project's DSNs carry the number.
    #[error("The id {0} belongs to another project: `vedette project list` shows which. Leave the id out to get a free one.")]
    IdTaken(DsnId),
    /// Another project has the key.
    #[error("The key {0} belongs to another project: `vedette project list` shows which. Leave the key out to get a new one.")]
    KeyTaken(PublicKey),
    /// No number is left.
    #[error("This server has had {MAX_PROJECT_ID} projects, which is all its numbers: run a second one for more.")]
    TooMany,
    /// The database.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl From<sqlx::Error> for CreateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Makes a project with one key.
pub async fn create(db: &Db, new: &NewProject, ids: &Ids, now: DateTime<Utc>) -> Result<Created, CreateError> {
    let name = names::tidy(&new.name);
    match name.chars().count() {
        0 => return Err(CreateError::NameEmpty),
        1..=names::MAX_NAME => {}
        length => return Err(CreateError::NameTooLong(length)),
    }
    let wanted = new.dsn_id.map(|id| DsnId::new(id).ok_or(CreateError::IdInvalid(id))).transpose()?;
    let key = new.key.unwrap_or_else(|| PublicKey::new(ids.uuid().as_u128()));
    let platform = names::tidy(&new.platform).chars().take(names::MAX_PLATFORM).collect();
    let draft = Draft { name, platform, wanted, key, salt: ids.secret(), now };
    for _ in 0..ATTEMPTS {
        let error = match attempt(db, new, &draft).await {
            Err(CreateError::Other(error)) => error,
            done => return done,
        };
        match (violated(&error), draft.wanted) {
            (Some("projects_dsn_id_key"), Some(id)) => return Err(CreateError::IdTaken(id)),
            (Some("project_keys_public_key_key"), _) => return Err(CreateError::KeyTaken(draft.key)),
            // Somebody else took the slug, the number or the prefix since we looked.
            (Some("projects_slug_key" | "projects_dsn_id_key" | "projects_short_prefix_key"), _) => {}
            _ => return Err(CreateError::Other(error)),
        }
    }
    Err(CreateError::Other(anyhow::anyhow!("no free address was found for the project in {ATTEMPTS} attempts")))
}

/// The DSN to print: of this server's public address.
pub fn dsn(app_url: &Url, key: PublicKey, dsn_id: DsnId) -> String {
    let dsn = Dsn::new(app_url, key, dsn_id);
    dsn.map_or_else(|why| format!("(the public address {app_url} makes no DSN: {why}; set VEDETTE_URL)"), |dsn| dsn.to_string())
}

/// What does not change between attempts.
struct Draft {
    name: String,
    platform: String,
    wanted: Option<DsnId>,
    key: PublicKey,
    salt: String,
    now: DateTime<Utc>,
}

async fn attempt(db: &Db, new: &NewProject, draft: &Draft) -> Result<Created, CreateError> {
    let mut tx = db.begin().await?;
    let number = next_number(&mut tx, draft.wanted).await?;
    let dsn_id = draft.wanted.or(DsnId::new(i64::from(number))).ok_or(CreateError::TooMany)?;
    let base = names::slug(&draft.name);
    let slug = names::free_slug(&base, &similar_slugs(&mut tx, &base).await?);
    let prefix = names::short_prefix(&draft.name);
    let prefix = names::free_prefix(&prefix, &similar_prefixes(&mut tx, &prefix).await?);
    sqlx::query!(
        "insert into projects (project_id, dsn_id, slug, name, short_prefix, platform, settings, created_at)
        overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8)",
        number,
        dsn_id.get(),
        slug,
        draft.name,
        prefix,
        draft.platform,
        json!({"scrub": {"hashSalt": draft.salt}, "grouping": {"version": Version::NEWEST}}),
        draft.now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into project_keys (project_id, public_key, created_at) values ($1, $2, $3)",
        number,
        Uuid::from_u128(draft.key.bits()),
        draft.now
    )
    .execute(&mut *tx)
    .await?;
    let project_id = ProjectId(number);
    if let Some(owner) = new.owner {
        super::queries::add_member(&mut tx, project_id, owner, draft.now).await?;
    }
    tx.commit().await?;
    Ok(Created { project_id, slug, dsn_id, key: draft.key })
}

/// The next internal number; without a wanted DSN id, the next that is free as one, too.
async fn next_number(db: &mut PgConnection, wanted: Option<DsnId>) -> Result<i32, CreateError> {
    for _ in 0..STEPS {
        let next = sqlx::query_scalar!(r#"select nextval(pg_get_serial_sequence('projects', 'project_id')) as "next!""#);
        let number = match next.fetch_one(&mut *db).await? {
            number if number <= MAX_PROJECT_ID => number,
            _ => return Err(CreateError::TooMany),
        };
        let taken = sqlx::query_scalar!(r#"select exists(select 1 from projects where dsn_id = $1) as "taken!""#, number);
        if wanted.is_some() || !taken.fetch_one(&mut *db).await? {
            return i32::try_from(number).map_err(|_| CreateError::TooMany);
        }
    }
    Err(CreateError::TooMany)
}

/// Taken slugs that begin like `base`: it is made of letters, digits and hyphens, so nothing in it is a wildcard.
async fn similar_slugs(db: &mut PgConnection, base: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select slug from projects where slug = $1 or slug like $1 || '-%' order by length(slug), slug limit 10000", base)
        .fetch_all(db)
        .await
}

async fn similar_prefixes(db: &mut PgConnection, base: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select short_prefix from projects where upper(short_prefix) like $1 || '%'", base).fetch_all(db).await
}

/// The constraint that the statement ran against.
fn violated(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<sqlx::Error>()?.as_database_error()?.constraint()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dsns_follow_the_public_address() {
        let print = |url: &str| dsn(&url.parse().unwrap(), PublicKey::new(0xff), DsnId::new(7).unwrap());
        assert_eq!(print("https://errors.example/sub"), "https://000000000000000000000000000000ff@errors.example/sub/7");
        assert!(print("file:///x").contains("VEDETTE_URL"));
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_before_the_database_is_asked() {
        let db = crate::platform::db::pool("postgres://nobody@127.0.0.1:1/none", &crate::platform::db::DbOptions::default()).unwrap();
        for (name, id, text) in
            [("  \n", None, "needs a name"), (&*"x".repeat(61), None, "61 characters"), ("shop", Some(0), "0 is no project id")]
        {
            let new = NewProject { name: name.to_owned(), dsn_id: id, ..NewProject::default() };
            let error = create(&db, &new, &Ids::seeded(1), DateTime::UNIX_EPOCH).await.unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
