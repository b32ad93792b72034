//! # The registry: keys and project settings in memory
//! **Promise.** No request and no event costs a query for its key or its settings. A key made in any process works at once in all of them; a
//! start while the database is away knows what was known before.
//! **How.** One snapshot of all projects behind a lock, replaced as a whole by [`Registry::refresh`]: on `NOTIFY projects_changed`, every
//! [`EVERY`], and when somebody asks for a key that is not in it. Only what changed is compiled again.
//! **When it breaks.** Failed refreshes leave the snapshot as it is. The file is written after a change; one that cannot be written is a warning.
//! **Limits.** Unknown keys: one look-up at a time, [`WAITERS`] waiting; who comes on top is told that nobody can tell now. Projects are as many
//! as administrators made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};
use sqlx::postgres::PgListener;
use tokio::sync::Semaphore;

use super::known::{self, KnownKey, KnownProject};
use super::queries;
use super::quotas::Limit;
use super::settings::ProjectConfig;
use super::unknown::Unknown;
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::db::Db;
use crate::platform::lifecycle::Tasks;
use crate::platform::telemetry::chain;
use crate::protocol::PublicKey;
use crate::protocol::quota::{Class, Period};

/// How often the database is asked, notified or not: LISTEN may be lost behind a pooler, or while the connection was away.
const EVERY: Duration = Duration::from_secs(30);
/// Requests with unknown keys that may wait for their look-up.
const WAITERS: usize = 64;
const CHANNEL: &str = "projects_changed";
const FILE: &str = "keys.json";

/// What ingest needs to know of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The internal project number.
    pub project_id: i32,
    /// The public project number.
    pub dsn_id: i64,
    /// The key's number.
    pub key_id: i32,
    /// The pages that may send; none means all.
    pub allowed_domains: Vec<String>,
    /// Whether events with it are taken.
    pub enabled: bool,
    /// Its limits, and its project's.
    pub limits: Vec<Limit>,
}

/// The answer to a look-up.
#[derive(Debug, Clone)]
pub enum KeyAnswer {
    /// There is such a key.
    Known(Arc<KeyInfo>),
    /// There is none.
    Unknown,
    /// Nobody can tell now.
    Unavailable,
}

/// All projects, as of one moment.
#[derive(Debug, Default)]
struct Snapshot {
    stored: Vec<KnownProject>,
    keys: HashMap<PublicKey, Arc<KeyInfo>>,
    configs: HashMap<i32, Arc<ProjectConfig>>,
}

impl Snapshot {
    /// The snapshot of these projects; what is as it was in `before` is taken from there.
    fn new(stored: Vec<KnownProject>, before: &Self) -> Self {
        let unchanged: HashMap<i32, &KnownProject> = before.stored.iter().map(|project| (project.project_id, project)).collect();
        let (mut keys, mut configs) = (HashMap::new(), HashMap::new());
        for project in &stored {
            let kept = before.configs.get(&project.project_id).filter(|_| unchanged.get(&project.project_id) == Some(&project));
            configs.insert(project.project_id, kept.cloned().unwrap_or_else(|| Arc::new(ProjectConfig::compile(project))));
            let limits = project.limits();
            for key in &project.keys {
                let info = KeyInfo {
                    project_id: project.project_id,
                    dsn_id: project.dsn_id,
                    key_id: key.key_id,
                    allowed_domains: key.allowed_domains.clone(),
                    enabled: key.is_active,
                    limits: limits.iter().copied().chain(key.limits()).collect(),
                };
                keys.insert(PublicKey::new(key.public_key.as_u128()), Arc::new(info));
            }
        }
        Self { stored, keys, configs }
    }
}

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    snapshot: RwLock<Arc<Snapshot>>,
    unknown: Mutex<Unknown>,
    /// One refresh at a time: an older answer never replaces a newer one.
    refreshing: tokio::sync::Mutex<()>,
    waiters: Semaphore,
}

/// Keys and project settings. Clones are the same registry.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

impl Registry {
    /// A registry that knows what it knew when it last wrote its file in `data_dir`.
    pub fn open(data_dir: &Path) -> Self {
        let file = data_dir.join(FILE);
        let stored = known::read(&file).unwrap_or_else(|error| {
            tracing::warn!("{} cannot be read and is ignored; without the database no key is known: {error}", file.display());
            Vec::new()
        });
        Self(Arc::new(Inner {
            file,
            snapshot: RwLock::new(Arc::new(Snapshot::new(stored, &Snapshot::default()))),
            unknown: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            waiters: Semaphore::new(WAITERS),
        }))
    }

    /// Reads all projects and keys.
    pub async fn refresh(&self, db: &Db) -> anyhow::Result<()> {
        let _one = self.0.refreshing.lock().await;
        let stored = queries::known_projects(&mut *db.acquire().await?).await?;
        let before = self.snapshot();
        if before.stored == stored {
            return Ok(());
        }
        let after = Arc::new(Snapshot::new(stored, &before));
        *self.0.snapshot.write() = Arc::clone(&after);
        let file = self.0.file.clone();
        let written = tokio::task::spawn_blocking(move || known::write(&file, &after.stored)).await?;
        if let Err(error) = written {
            let file = self.0.file.display();
            tracing::warn!("{file} cannot be written; a restart while the database is away will not know the newest keys: {error}");
        }
        Ok(())
    }

    /// Looks up a key, whichever project it belongs to: the caller tells a foreign key from none.
    pub async fn resolve(&self, key: PublicKey, db: &Db, now: DateTime<Utc>) -> KeyAnswer {
        if let Some(info) = self.known(key) {
            return KeyAnswer::Known(info);
        }
        if self.0.unknown.lock().contains(key, now) {
            return KeyAnswer::Unknown;
        }
        let Ok(_place) = self.0.waiters.try_acquire() else { return KeyAnswer::Unavailable };
        match self.look_up(key, db, now).await {
            Ok(Some(info)) => KeyAnswer::Known(info),
            Ok(None) => KeyAnswer::Unknown,
            Err(error) => {
                tracing::debug!("a key that is not known cannot be looked up: {}", chain(&error));
                KeyAnswer::Unavailable
            }
        }
    }

    async fn look_up(&self, key: PublicKey, db: &Db, now: DateTime<Utc>) -> anyhow::Result<Option<Arc<KeyInfo>>> {
        let exists = {
            let _one = self.0.refreshing.lock().await;
            // Whoever held the lock before may have answered the same question.
            if let Some(info) = self.known(key) {
                return Ok(Some(info));
            }
            if self.0.unknown.lock().contains(key, now) {
                return Ok(None);
            }
            let exists = queries::key_exists(&mut *db.acquire().await?, key).await?;
            if !exists {
                self.0.unknown.lock().insert(key, now);
            }
            exists
        };
        if exists {
            self.refresh(db).await?;
        }
        Ok(self.known(key))
    }

    /// The settings of a project; nothing when the registry does not know it. After [`Self::know`] that means: it was deleted.
    pub fn config(&self, project: ProjectId) -> Option<Arc<ProjectConfig>> {
        self.0.snapshot.read().configs.get(&project.0).cloned()
    }

    /// A limit of a project (key 0) or of one of its keys, as it stands now: nothing while the project is not known, else whether there is one.
    pub fn limit(&self, project: ProjectId, key: i32, which: (Class, Period)) -> Option<Option<u64>> {
        let snapshot = self.snapshot();
        let project = snapshot.stored.iter().find(|stored| stored.project_id == project.0)?;
        let limits = match key {
            0 => project.limits(),
            key => project.keys.iter().find(|known| known.key_id == key).map(KnownKey::limits).unwrap_or_default(),
        };
        Some(limits.into_iter().find(|limit| (limit.name.class, limit.name.period) == which).map(|limit| limit.max))
    }

    /// A key of a project as people know it, by its beginning: "01234567.../42".
    pub fn key_in_words(&self, project: ProjectId, key: i32) -> String {
        let snapshot = self.snapshot();
        let project = snapshot.stored.iter().find(|stored| stored.project_id == project.0);
        let key = project.and_then(|project| Some((project.keys.iter().find(|known| known.key_id == key)?, project.dsn_id)));
        key.map_or_else(|| "a key that was deleted".to_owned(), |(key, id)| format!("{:.8}.../{id}", key.public_key.simple().to_string()))
    }

    /// Makes sure that what [`Self::config`] does not know of `projects` does not exist: asks the database when one is not in memory.
    pub async fn know(&self, projects: impl IntoIterator<Item = ProjectId>, db: &Db) -> anyhow::Result<()> {
        let snapshot = self.snapshot();
        if projects.into_iter().all(|project| snapshot.configs.contains_key(&project.0)) {
            return Ok(());
        }
        self.refresh(db).await
    }

    /// Keeps the registry fresh until the process ends.
    pub fn run(&self, app: App, tasks: &Tasks) {
        let registry = self.clone();
        let soft = tasks.soft().clone();
        tasks.spawn("projects.registry", async move {
            let mut listener = None;
            let mut last_error = String::new();
            while !soft.is_cancelled() {
                let work = async {
                    if listener.is_none() {
                        // Before the refresh: what changes after it is notified.
                        listener = listen(&app.db).await;
                    }
                    registry.refresh(&app.db).await
                };
                // A database that does not answer must not hold up the end.
                let Some(refreshed) = soft.run_until_cancelled(work).await else { break };
                let error = refreshed.err().map(|error| chain(&error)).unwrap_or_default();
                if !error.is_empty() && error != last_error {
                    tracing::warn!("keys and settings are as they were, the database does not answer: {error}");
                }
                last_error = error;
                tokio::select! {
                    () = soft.cancelled() => {}
                    () = changed(&mut listener) => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
            Ok(())
        });
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshot.read())
    }

    fn known(&self, key: PublicKey) -> Option<Arc<KeyInfo>> {
        self.0.snapshot.read().keys.get(&key).cloned()
    }
}

/// A connection that is told of changes, if the database gives one.
async fn listen(db: &Db) -> Option<PgListener> {
    let mut listener = PgListener::connect_with(db).await.ok()?;
    listener.listen(CHANNEL).await.ok()?;
    Some(listener)
}

/// Ends when something changed, or when the connection ended and there may have been changes.
async fn changed(listener: &mut Option<PgListener>) {
    let Some(connected) = listener else { return std::future::pending().await };
    match connected.try_recv().await {
        Ok(Some(_)) => while connected.next_buffered().is_some() {},
        Ok(None) | Err(_) => *listener = None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::platform::db::{DbOptions, pool};

    const KEY: PublicKey = PublicKey::new(0xabc);

    fn project(id: i32, settings: serde_json::Value) -> KnownProject {
        let key = KnownKey {
            key_id: id * 10,
            public_key: Uuid::from_u128(KEY.bits() + id as u128 - 1),
            is_active: true,
            allowed_domains: vec![],
            limits: json!({"events_hour": 10}),
        };
        KnownProject { project_id: id, dsn_id: 4_505_000_000_000_000 + i64::from(id), settings, keys: vec![key], ..KnownProject::default() }
    }

    fn away() -> Db {
        let options = DbOptions { acquire_timeout: Duration::from_millis(200), ..DbOptions::default() };
        pool("postgres://nobody@127.0.0.1:1/none", &options).unwrap()
    }

    #[tokio::test]
    async fn a_start_without_database_knows_what_the_file_knows_and_nothing_about_other_keys() {
        let dir = tempfile::tempdir().unwrap();
        known::write(&dir.path().join(FILE), &[project(1, json!({"scrub": {"scrubIpAddresses": true}}))]).unwrap();
        let registry = Registry::open(dir.path());
        let now = DateTime::UNIX_EPOCH;
        let KeyAnswer::Known(info) = registry.resolve(KEY, &away(), now).await else { panic!("the file knows the key") };
        assert_eq!((info.project_id, info.dsn_id, info.key_id, info.enabled), (1, 4_505_000_000_000_001, 10, true));
        assert_eq!(
            info.limits.iter().map(|limit| (limit.name.code(), limit.max)).collect::<Vec<_>>(),
            [("key_events_hour".to_owned(), 10)]
        );
        assert!(!registry.config(ProjectId(1)).unwrap().store_ips);
        assert!(registry.config(ProjectId(2)).is_none());
        let limit = |project, key| registry.limit(ProjectId(project), key, (Class::Events, Period::Hour));
        assert_eq!((limit(1, 10), limit(1, 0), limit(2, 0)), (Some(Some(10)), Some(None), None));
        assert!(registry.know([ProjectId(1)], &away()).await.is_ok(), "what is known needs no database");
        assert!(registry.know([ProjectId(1), ProjectId(2)], &away()).await.is_err(), "whether 2 was deleted cannot be told");
        assert!(matches!(registry.resolve(PublicKey::new(5), &away(), now).await, KeyAnswer::Unavailable));
    }

    #[test]
    fn a_broken_file_is_an_empty_registry() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Registry::open(dir.path()).known(KEY).is_none());
    }

    #[test]
    fn only_what_changed_is_compiled_again() {
        let before = Snapshot::new(vec![project(1, json!({})), project(2, json!({}))], &Snapshot::default());
        let after = Snapshot::new(vec![project(1, json!({})), project(2, json!({"filters": {"localhost": true}}))], &before);
        assert!(Arc::ptr_eq(&before.configs[&1], &after.configs[&1]) && !Arc::ptr_eq(&before.configs[&2], &after.configs[&2]));
        let emptied = Snapshot::new(vec![], &after);
        assert!(emptied.keys.is_empty() && emptied.configs.is_empty());
    }
}
