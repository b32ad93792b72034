//! One process of the product, without its network and its loops: tests say when something is digested.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tempfile::TempDir;
use uuid::Uuid;
use vedette::alerts;
use vedette::alerts::watch::{Hearing, Watch};
use vedette::app;
use vedette::digest::{Digest, Hook};
use vedette::ingest::{Ingest, TrustedProxies};
use vedette::platform::App;
use vedette::platform::journal::{Journal, JournalOptions, OsFiles};
use vedette::platform::periodic::{Periodic as _, Step};
use vedette::projects::Registry;
use vedette::protocol::Limits;

use super::invariants::Expected;
use super::{Project, Sdk};

/// What a process holds.
pub(crate) struct Process {
    pub(crate) app: App,
    pub(crate) journal: Arc<Journal>,
    pub(crate) journal_id: Uuid,
    pub(crate) registry: Registry,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) router: Router,
    pub(crate) expected: Expected,
    digest: Digest,
    watch: Watch,
    pub(crate) dir: TempDir,
}

/// A handle to a process.
#[derive(Clone)]
pub(crate) struct Server(Arc<Process>);

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl Server {
    pub(crate) fn start(app: App, limits: Limits, hook: Hook, expected: Expected) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = JournalOptions { sync_interval: Duration::ZERO, ..JournalOptions::default() };
        let (journal, _) = Journal::open(&dir.path().join("journal"), options, Arc::new(OsFiles)).unwrap();
        let (journal, registry, journal_id) = (Arc::new(journal), Registry::open(dir.path()), app.ids.uuid());
        let ingest = app::ingest(&app, &journal, &registry, (TrustedProxies::default(), limits));
        let router = app::router(&app, &journal, &ingest);
        let digest = Digest::new(app.clone(), Arc::clone(&journal), journal_id, registry.clone()).with_hook(hook);
        let digest = digest.telling(ingest.requests().clone());
        let watch = Watch(Arc::new(Hearing::new(Arc::clone(&journal), journal_id)));
        Self(Arc::new(Process { app, journal, journal_id, registry, ingest, router, expected, digest, watch, dir }))
    }

    /// An SDK that was given the project's DSN.
    pub(crate) fn sdk(&self, project: &Project) -> Sdk {
        Sdk::new(self.clone(), project)
    }

    /// Tells the other processes what this one took and refused, and learns what they did.
    pub(crate) async fn exchange(&self) {
        app::exchange(&self.ingest, &self.registry).step(&self.app).await.unwrap();
    }

    /// Journals what was counted of refused requests, and digests it.
    pub(crate) async fn digest_refused(&self) {
        self.ingest.flush_refused(self.app.clock.now()).await;
        self.digest_all().await;
    }

    /// Notes that events are taken now.
    pub(crate) fn hear(&self) {
        self.watch.0.note(self.app.clock.now());
    }

    /// Looks for spikes until nothing waits.
    pub(crate) async fn watch(&self) {
        while self.watch.step(&self.app).await.unwrap() != Step::Idle {}
    }

    /// Writes the summaries of weeks that are due.
    pub(crate) async fn weekly(&self) {
        while alerts::Weekly.step(&self.app).await.unwrap() != Step::Idle {}
    }

    /// Digests all that waits in the journal; how many records.
    pub(crate) async fn digest_all(&self) -> usize {
        self.digest.drain().await.unwrap()
    }
}
