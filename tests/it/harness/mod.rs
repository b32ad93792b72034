//! What tests speak with: a server without its network ([`TestApp`]), people ([`Person`]), SDKs ([`Sdk`]), mails.

pub(crate) mod database;
pub(crate) mod events;
pub(crate) mod fake_hook;
pub(crate) mod fake_smtp;
pub(crate) mod http;
pub(crate) mod invariants;
pub(crate) mod markup;
pub(crate) mod people;
pub(crate) mod sdk;
pub(crate) mod server;

use std::collections::HashSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tempfile::TempDir;
use uuid::Uuid;
use vedette::accounts::{ProjectId, UserId};
use vedette::alerts;
use vedette::digest::Hook;
use vedette::platform::blobs::Blobs;
use vedette::platform::clock::Clock;
use vedette::platform::db::Db;
use vedette::platform::fetch::Fetch;
use vedette::platform::mail::{Mailer, SmtpSettings};
use vedette::platform::outbox::{self, Handlers};
use vedette::platform::seal::Seal;
use vedette::platform::{App, Parts};
use vedette::projects::{self, NewProject};
use vedette::protocol::Limits;

use database::TestDb;
pub(crate) use events::{Event, error};
use fake_smtp::FakeSmtp;
pub(crate) use http::Answer;
use invariants::Expected;
pub(crate) use people::Person;
pub(crate) use sdk::Sdk;
pub(crate) use server::Server;

/// The address under which the server believes to be reached.
pub(crate) const URL: &str = "https://errors.example";
/// The password of everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// How long any test may take; far above what the slowest takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// 24 November 2026, 14:33:07 UTC: where the clock stands when a test begins.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_530_787, 0).unwrap()
}

/// A project and its DSN's parts.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) id: ProjectId,
    pub(crate) slug: String,
    pub(crate) dsn_id: i64,
    pub(crate) key: String,
}

/// A mail in the delivery log.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Mail {
    #[sqlx(rename = "mail_id")]
    pub(crate) id: i64,
    pub(crate) recipient: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message_id: String,
    pub(crate) text_body: String,
    pub(crate) html_body: String,
}

/// Ids of events that fail in the database stage.
pub(crate) type Poison = Arc<Mutex<HashSet<Uuid>>>;

/// One database, one clock, and a server over them; further ones with [`TestApp::another_server`].
pub(crate) struct TestApp {
    pub(crate) clock: Clock,
    pub(crate) smtp: Option<FakeSmtp>,
    pub(crate) poison: Poison,
    pub(crate) expected: Expected,
    blobs_dir: TempDir,
    db: TestDb,
    server: Server,
    others: Mutex<Vec<Server>>,
}

impl Deref for TestApp {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Runs a test over a fresh server without SMTP, and checks the books at its end.
pub(crate) fn app_test(test: impl AsyncFnOnce(&TestApp)) {
    run(false, test);
}

/// The same with an SMTP server that does as it is told.
pub(crate) fn app_test_with_smtp(test: impl AsyncFnOnce(&TestApp)) {
    run(true, test);
}

fn run(with_smtp: bool, test: impl AsyncFnOnce(&TestApp)) {
    run_test(async || {
        let app = TestApp::start(with_smtp).await;
        test(&app).await;
        app.finish().await;
    });
}

/// What an app is made of, with a clock and a place for blobs.
pub(crate) fn test_parts(db: Db, smtp: Option<SmtpSettings>, (clock, dir): (Clock, &Path)) -> Parts {
    Parts {
        db,
        blobs: Blobs::local(dir.join("blobs")),
        clock,
        ids: vedette::platform::ids::Ids::seeded(1),
        mailer: Mailer::new(smtp, "Vedette <vedette@errors.example>").unwrap(),
        // What tests send to listens on this machine.
        fetch: Fetch::new("loopback".parse().unwrap()),
        seal: Seal::new(&"5e".repeat(32).into()).unwrap(),
        outbox: outbox::Wake::default(),
        url: URL.parse().unwrap(),
    }
}

/// Runs a test that needs no server.
pub(crate) fn run_test(test: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test()).await.expect("the test hangs") });
}

impl TestApp {
    async fn start(with_smtp: bool) -> Self {
        let db = TestDb::create().await;
        let smtp = if with_smtp { Some(FakeSmtp::start().await) } else { None };
        let settings = smtp.as_ref().map(|smtp| SmtpSettings::parse(&smtp.url()).unwrap());
        let (clock, poison, expected) = (Clock::fake(start()), Poison::default(), Expected::default());
        let blobs_dir = tempfile::tempdir().unwrap();
        let app = App::new(test_parts(db.pool(), settings, (clock.clone(), blobs_dir.path())));
        // The template has all tables.
        app.set_up_is_done();
        let server = Server::start(app, Limits::default(), hook(&poison), expected.clone());
        Self { clock, smtp, poison, expected, blobs_dir, db, server, others: Mutex::default() }
    }

    /// Another process on the same database and clock, with its own journal.
    pub(crate) fn another_server(&self) -> Server {
        self.server_with(Limits::default())
    }

    /// The same with other limits.
    pub(crate) fn server_with(&self, limits: Limits) -> Server {
        self.start_another(self.app.clone(), limits)
    }

    fn start_another(&self, app: App, limits: Limits) -> Server {
        let server = Server::start(app, limits, hook(&self.poison), self.expected.clone());
        self.others.lock().push(server.clone());
        server
    }

    /// Another process that is reached at this address.
    pub(crate) fn server_at(&self, url: &str) -> Server {
        let Parts { db, clock, ids, blobs, mailer, fetch, seal, outbox, .. } = &*self.app;
        let (db, clock, ids, blobs, outbox) = (db.clone(), clock.clone(), ids.clone(), blobs.clone(), outbox.clone());
        let (mailer, fetch, seal, url) = (mailer.clone(), fetch.clone(), seal.clone(), url.parse().unwrap());
        let app = App::new(Parts { db, clock, ids, blobs, mailer, fetch, seal, outbox, url });
        app.set_up_is_done();
        self.start_another(app, Limits::default())
    }

    /// Where blobs are; there from the first one on.
    pub(crate) fn blobs_dir(&self) -> PathBuf {
        self.blobs_dir.path().join("blobs")
    }

    pub(crate) fn db(&self) -> &Db {
        &self.app.db
    }

    /// Makes a project.
    pub(crate) async fn project(&self, name: &str) -> Project {
        let new = NewProject { name: name.to_owned(), platform: "python".to_owned(), ..NewProject::default() };
        let created = projects::create(self.db(), &new, &self.app.ids, self.clock.now()).await.unwrap();
        Project { id: created.project_id, slug: created.slug, dsn_id: created.dsn_id.get(), key: format!("{:032x}", created.key.bits()) }
    }

    /// The number of the project's first key.
    pub(crate) async fn key_id(&self, project: &Project) -> i32 {
        let id = sqlx::query_scalar("select key_id from project_keys where project_id = $1 order by key_id limit 1").bind(project.id.0);
        id.fetch_one(self.db()).await.unwrap()
    }

    /// Gives a project these settings, at once.
    pub(crate) async fn set(&self, project: &Project, settings: serde_json::Value) {
        let set = sqlx::query("update projects set settings = $2 where project_id = $1").bind(project.id.0).bind(settings);
        set.execute(self.db()).await.unwrap();
        self.server.registry.refresh(self.db()).await.unwrap();
    }

    /// A signed-in member of the project.
    pub(crate) async fn member(&self, name: &str, project: &Project) -> Person {
        let person = Person::sign_up(self, name, false).await;
        self.add_member(project, person.id).await;
        person
    }

    /// Somebody with an account, and no project.
    pub(crate) async fn stranger(&self, name: &str) -> Person {
        Person::sign_up(self, name, false).await
    }

    /// A signed-in administrator, member of nothing.
    pub(crate) async fn admin(&self, name: &str) -> Person {
        Person::sign_up(self, name, true).await
    }

    /// Makes somebody a member of a further project.
    pub(crate) async fn add_member(&self, project: &Project, user: UserId) {
        let join = sqlx::query("insert into project_members (project_id, user_id, created_at) values ($1, $2, $3)");
        join.bind(project.id.0).bind(user.0).bind(self.clock.now()).execute(self.db()).await.unwrap();
    }

    /// Runs the jobs that are due; how many attempts that took.
    pub(crate) async fn run_jobs(&self) -> usize {
        outbox::run_due(&self.app, &alerts::handlers(Handlers::default())).await.unwrap()
    }

    /// The delivery log, oldest first.
    pub(crate) async fn mails(&self) -> Vec<Mail> {
        sqlx::query_as("select * from mails order by mail_id").fetch_all(self.db()).await.unwrap()
    }

    /// The ids of the project's issues, oldest first.
    pub(crate) async fn issues(&self, project: &Project) -> Vec<i64> {
        let ids = sqlx::query_scalar("select issue_id from issues where project_id = $1 order by issue_id").bind(project.id.0);
        ids.fetch_all(self.db()).await.unwrap()
    }

    /// The project's one issue.
    pub(crate) async fn only_issue(&self, project: &Project) -> i64 {
        let issues = self.issues(project).await;
        assert_eq!(issues.len(), 1, "issues of {}", project.slug);
        issues[0]
    }

    /// Number of rows of `events`.
    pub(crate) async fn stored(&self) -> i64 {
        sqlx::query_scalar("select count(*) from events").fetch_one(self.db()).await.unwrap()
    }

    /// The books: category, outcome, reason, quantity, sorted.
    pub(crate) async fn outcomes(&self) -> Vec<String> {
        let rows: Vec<(i16, String, String, i64)> =
            sqlx::query_as("select category, outcome, reason, sum(quantity)::bigint from outcomes group by 1, 2, 3")
                .fetch_all(self.db())
                .await
                .unwrap();
        let category = |id| vedette::protocol::Category::from_id(id).name();
        let line = |(id, outcome, reason, quantity): (i16, String, String, i64)| {
            format!("{} {outcome} {reason} {quantity}", category(id)).replace("  ", " ")
        };
        let mut lines: Vec<_> = rows.into_iter().map(line).collect();
        lines.sort();
        lines
    }

    /// Checks the books and ends everything.
    async fn finish(self) {
        let servers: Vec<Server> = self.others.lock().iter().cloned().chain([self.server.clone()]).collect();
        invariants::check(self.db(), &self.expected, &servers, self.clock.now()).await;
        for server in &servers {
            server.journal.close().await;
        }
        self.app.db.close().await;
        self.db.drop_now().await;
    }
}

fn hook(poison: &Poison) -> Hook {
    let poison = Arc::clone(poison);
    Arc::new(move |ids| {
        let poison = poison.lock();
        if ids.iter().any(|id| poison.contains(id)) { Err("poisoned by the test".to_owned()) } else { Ok(()) }
    })
}
