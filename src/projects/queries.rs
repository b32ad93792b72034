//! All SQL of `projects`, `project_keys` and `project_members`, but for making a project ([`super::create()`]) and what pages count.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::known::{KnownKey, KnownProject};
use super::settings::{GroupingRules, ProjectSettings};
use super::source_link::SourceLink;
use crate::accounts::{ProjectId, UserId};
use crate::platform::db::Db;
use crate::protocol::PublicKey;

/// Members of a project that are listed and get its mails.
pub(super) const MAX_MEMBERS: i64 = 500;
/// Keys of a project at most.
pub(super) const MAX_KEYS: i64 = 50;
/// Projects that `project list` prints.
const MAX_LINES: i64 = 10_000;

/// Every project with its keys: what the registry holds. Bounded by what administrators made.
pub(super) async fn known_projects(db: &mut PgConnection) -> sqlx::Result<Vec<KnownProject>> {
    let rows = sqlx::query!(
        r#"select p.project_id, p.dsn_id, p.slug, p.name, p.short_prefix, p.settings,
            k.key_id as "key_id?", k.public_key as "public_key?", k.is_active as "is_active?", k.allowed_domains as "allowed_domains?",
            k.limits as "limits?"
        from projects p left join project_keys k on k.project_id = p.project_id
        order by p.project_id, k.key_id"#
    )
    .fetch_all(db)
    .await?;
    let mut projects: Vec<KnownProject> = Vec::new();
    for row in rows {
        let key = match (row.key_id, row.public_key) {
            (Some(key_id), Some(public_key)) => Some(KnownKey {
                key_id,
                public_key,
                is_active: row.is_active.unwrap_or_default(),
                allowed_domains: row.allowed_domains.unwrap_or_default(),
                limits: row.limits.unwrap_or_default(),
            }),
            _ => None,
        };
        match projects.last_mut().filter(|last| last.project_id == row.project_id) {
            Some(last) => last.keys.extend(key),
            None => projects.push(KnownProject {
                project_id: row.project_id,
                dsn_id: row.dsn_id,
                slug: row.slug,
                name: row.name,
                short_prefix: row.short_prefix,
                settings: row.settings,
                keys: key.into_iter().collect(),
            }),
        }
    }
    Ok(projects)
}

/// Whether there is such a key.
pub(super) async fn key_exists(db: &mut PgConnection, key: PublicKey) -> sqlx::Result<bool> {
    let key = Uuid::from_u128(key.bits());
    sqlx::query_scalar!(r#"select exists(select 1 from project_keys where public_key = $1) as "exists!""#, key).fetch_one(db).await
}

/// Which of these projects there are.
pub async fn existing(db: &mut PgConnection, projects: &[i32]) -> sqlx::Result<Vec<ProjectId>> {
    let there = sqlx::query_scalar!("select project_id from projects where project_id = any($1)", projects);
    Ok(there.fetch_all(db).await?.into_iter().map(ProjectId).collect())
}

/// A project, for people who list them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectLine {
    /// The internal number.
    pub project_id: ProjectId,
    /// The public number.
    pub dsn_id: i64,
    /// In addresses.
    pub slug: String,
    /// As people call it.
    pub name: String,
    /// "python"; may be empty.
    pub platform: String,
    /// Its first key that is on.
    pub key: Option<PublicKey>,
}

/// All projects by name.
pub async fn list(db: &Db) -> anyhow::Result<Vec<ProjectLine>> {
    let rows = sqlx::query!(
        r#"select project_id, dsn_id, slug, name, platform,
            (select public_key from project_keys k where k.project_id = p.project_id and is_active order by key_id limit 1) as public_key
        from projects p order by lower(name), project_id limit $1"#,
        MAX_LINES
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| ProjectLine {
        project_id: ProjectId(row.project_id),
        dsn_id: row.dsn_id,
        slug: row.slug,
        name: row.name,
        platform: row.platform,
        key: row.public_key.map(|key| PublicKey::new(key.as_u128())),
    });
    Ok(lines.collect())
}

/// Who gets the mails of a project: its active members; the administrators while it has no member at all, so that none goes to nobody.
pub async fn recipients(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId", email from users u -- joins: users
        where is_active and case when exists (select 1 from project_members where project_id = $1)
            then exists (select 1 from project_members m where m.project_id = $1 and m.user_id = u.user_id)
            else is_admin end
        order by user_id limit $2"#,
        project.0,
        MAX_MEMBERS
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.email)).collect())
}

/// What pages show of a project.
pub(super) struct Shown {
    pub(super) dsn_id: i64,
    pub(super) platform: String,
    pub(super) public_key: Option<Uuid>,
    pub(super) first_event_at: Option<DateTime<Utc>>,
}

/// The public number, the platform, and the first key that is on.
pub(super) async fn shown(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<Shown>> {
    sqlx::query_as!(
        Shown,
        r#"select dsn_id, platform, first_event_at,
            (select public_key from project_keys k where k.project_id = p.project_id and is_active order by key_id limit 1) as public_key
        from projects p where project_id = $1"#,
        project.0
    )
    .fetch_optional(db)
    .await
}

/// Gives a project another name; its address stays.
pub(super) async fn rename(db: &mut PgConnection, project: ProjectId, name: &str) -> sqlx::Result<()> {
    sqlx::query!("update projects set name = $2 where project_id = $1", project.0, name).execute(db).await.map(|_| ())
}

/// The settings as stored; nothing when the project is gone.
pub(super) async fn settings(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar!("select settings from projects where project_id = $1", project.0).fetch_optional(db).await
}

/// The project with this slug.
pub async fn by_slug(db: &mut PgConnection, slug: &str) -> sqlx::Result<Option<ProjectId>> {
    let id = sqlx::query_scalar!("select project_id from projects where slug = $1", slug).fetch_optional(db).await?;
    Ok(id.map(ProjectId))
}

/// A project's grouping rules, as its settings say; nothing when it has none.
pub async fn grouping_rules(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<Value>> {
    let rules = sqlx::query_scalar!(r#"select settings -> 'grouping' as "rules: Value" from projects where project_id = $1"#, project.0);
    Ok(rules.fetch_optional(db).await?.flatten())
}

/// A project's grouping rules, read; the standard ones where it has none.
pub async fn saved_rules(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<GroupingRules> {
    Ok(settings(db, project).await?.map(|stored| ProjectSettings::read(&stored).grouping).unwrap_or_default())
}

/// Where the frames of a project's events lead; nowhere where it does not say.
pub async fn source_link(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<SourceLink> {
    Ok(settings(db, project).await?.map(|stored| ProjectSettings::read(&stored).source).unwrap_or_default())
}

/// Changes what `values` names in one part of the settings, and nothing else; whether there is such a project. One statement: changes of
/// other parts at the same moment stay.
pub(super) async fn change_settings(db: &mut PgConnection, project: ProjectId, part: &str, values: &Value) -> sqlx::Result<bool> {
    let changed = sqlx::query_scalar!(
        "update projects set settings = (case when jsonb_typeof(settings) = 'object' then settings else '{}' end) || jsonb_build_object($2::text,
            (case when jsonb_typeof(settings -> $2) = 'object' then settings -> $2 else '{}' end) || $3)
        where project_id = $1 returning project_id",
        project.0,
        part,
        values
    );
    Ok(changed.fetch_optional(db).await?.is_some())
}

/// A member.
pub(super) struct Member {
    pub(super) user_id: UserId,
    pub(super) email: String,
}

/// The members by address.
pub(super) async fn members(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<Member>> {
    sqlx::query_as!(
        Member,
        r#"select u.user_id as "user_id: UserId", u.email
        from project_members m join users u on u.user_id = m.user_id -- joins: users
        where m.project_id = $1 order by lower(u.email) limit $2"#,
        project.0,
        MAX_MEMBERS
    )
    .fetch_all(db)
    .await
}

/// Adds a member; whether they were none before.
pub(super) async fn add_member(db: &mut PgConnection, project: ProjectId, user: UserId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let added = sqlx::query!(
        "insert into project_members (project_id, user_id, created_at) values ($1, $2, $3) on conflict do nothing",
        project.0,
        user.0,
        now
    );
    Ok(added.execute(db).await?.rows_affected() == 1)
}

/// Removes a member; whether they were one.
pub(super) async fn remove_member(db: &mut PgConnection, project: ProjectId, user: UserId) -> sqlx::Result<bool> {
    let removed = sqlx::query!("delete from project_members where project_id = $1 and user_id = $2", project.0, user.0);
    Ok(removed.execute(db).await?.rows_affected() == 1)
}

/// A key.
pub(super) struct Key {
    pub(super) id: i32,
    pub(super) public: Uuid,
    pub(super) label: String,
    pub(super) is_active: bool,
    pub(super) allowed_domains: Vec<String>,
    /// As stored.
    pub(super) limits: Value,
    pub(super) created_at: DateTime<Utc>,
}

/// The keys, the oldest first.
pub(super) async fn keys(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<Key>> {
    sqlx::query_as!(
        Key,
        "select key_id as id, public_key as public, label, is_active, allowed_domains, limits, created_at
        from project_keys where project_id = $1 order by key_id limit $2",
        project.0,
        MAX_KEYS
    )
    .fetch_all(db)
    .await
}

/// What a new key may do.
#[derive(Debug, Clone)]
pub(super) struct NewKey {
    pub(super) label: String,
    pub(super) allowed_domains: Vec<String>,
    pub(super) limits: Value,
}

impl Default for NewKey {
    fn default() -> Self {
        Self { label: String::new(), allowed_domains: Vec::new(), limits: Value::Object(serde_json::Map::new()) }
    }
}

/// Adds a key, unless the project has as many as it may; its number.
pub(super) async fn add_key(
    db: &mut PgConnection,
    project: ProjectId,
    (key, now): (Uuid, DateTime<Utc>),
    new: &NewKey,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "insert into project_keys (project_id, public_key, label, allowed_domains, limits, created_at)
        select $1, $2, $3, $4, $5, $6 where (select count(*) from project_keys where project_id = $1) < $7
        returning key_id",
        project.0,
        key,
        new.label,
        &new.allowed_domains,
        new.limits,
        now,
        MAX_KEYS
    )
    .fetch_optional(db)
    .await
}

/// What may be changed of a key.
pub(super) struct KeyChange<'a> {
    pub(super) label: &'a str,
    pub(super) allowed_domains: &'a [String],
    /// Limits that it names, and no others; `null` takes one out.
    pub(super) limits: &'a Value,
}

/// Changes a key.
pub(super) async fn change_key(db: &mut PgConnection, project: ProjectId, key: i32, change: &KeyChange<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update project_keys set label = $3, allowed_domains = $4, limits = jsonb_strip_nulls(limits || $5)
        where project_id = $1 and key_id = $2",
        project.0,
        key,
        change.label,
        change.allowed_domains,
        change.limits
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Switches a key on or off; whether the project has it.
pub(super) async fn switch_key(db: &mut PgConnection, (project, key): (ProjectId, i32), is_active: bool) -> sqlx::Result<bool> {
    let switched = sqlx::query!("update project_keys set is_active = $3 where project_id = $1 and key_id = $2", project.0, key, is_active);
    Ok(switched.execute(db).await?.rows_affected() == 1)
}
