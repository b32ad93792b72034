//! # The server, put together
//! **Promise.** [`Server::start`] brings up every part in an order in which none misses another, [`Server::stop`] ends them in an order in which
//! nothing acknowledged is lost. **How.** Database handle → registry → journal → ingest, so that events are taken at once, also while
//! PostgreSQL is away; migrations, partitions, the first account and everything that needs a database follow as soon as it answers.
//! **When it breaks.** A task that dies ends the process ([`Tasks`]). **Not here.** What the parts do.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::{Extension, Router};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tower::Layer as _;
use url::Url;
use uuid::Uuid;

use crate::accounts::{self, ClientAddress};
use crate::alerts::watch::{Hearing, Listen, Watch};
use crate::alerts::{self, LookForTrouble};
use crate::config::{Checks, Settings};
use crate::digest::{Digest, Places};
use crate::events::blobs;
use crate::events::partitions::{self, MakeAhead, Retention};
use crate::feedback;
use crate::ingest::{self, Ingest, Seams, TrustedProxies};
use crate::issues::regroup::Regroup;
use crate::issues::snoozes::Wake as WakeIssues;
use crate::ops;
use crate::platform::blobs::Blobs;
use crate::platform::clock::Clock;
use crate::platform::db::{self, DbOptions};
use crate::platform::fetch::Fetch;
use crate::platform::ids::Ids;
use crate::platform::journal::{Journal, JournalOptions, OsFiles};
use crate::platform::lifecycle::Tasks;
use crate::platform::mail::Mailer;
use crate::platform::outbox::{self, Handlers, Wake};
use crate::platform::periodic::{self, Periodic as _};
use crate::platform::postgres::{ManagedPostgres, Options as PostgresOptions};
use crate::platform::seal::Seal;
use crate::platform::serve::{self, Patience};
use crate::platform::telemetry::chain;
use crate::platform::{App, Parts};
use crate::projects::recent::RequestLog;
use crate::projects::{Exchange, Quotas, Registry};
use crate::protocol::{ItemKind, Limits};
use crate::routes;
use crate::web::prefix;

/// How long tasks may take to end after the first signal.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long connections may take to say goodbye: a database that hangs never does.
const GOODBYE: Duration = Duration::from_secs(3);
/// How long a start waits for the database before it goes on without.
const FIRST_TRY: Duration = Duration::from_secs(3);
/// How long the end waits for the database to take the last counts.
const LAST_EXCHANGE: Duration = Duration::from_secs(1);
/// How often counts of refused requests are journalled.
const FLUSH_REFUSED: Duration = Duration::from_secs(5);

/// Where the database is.
pub struct Database {
    /// For sqlx.
    pub url: String,
    /// The managed cluster, if it is ours.
    pub managed: Option<Arc<ManagedPostgres>>,
}

impl Database {
    /// The external database of `url`, or the managed cluster in the data directory, started or attached to.
    pub async fn open(data_dir: &Path, url: Option<&str>) -> anyhow::Result<Self> {
        if let Some(url) = url {
            return Ok(Self { url: url.to_owned(), managed: None });
        }
        make_dir(data_dir)?;
        let managed = ManagedPostgres::start(&data_dir.join("postgres"), PostgresOptions::lasting()).await?;
        Ok(Self { url: managed.url(), managed: Some(Arc::new(managed)) })
    }

    /// Ends the managed cluster, unless another process looks after it.
    pub async fn close(self) {
        if let Some(managed) = self.managed {
            managed.stop().await;
        }
    }
}

/// Makes a directory that only its owner may enter.
pub fn make_dir(dir: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("the data directory {} cannot be made", dir.display()))
}

/// The file in the data directory that says where the server listens.
pub fn address_file(data_dir: &Path) -> PathBuf {
    data_dir.join("address")
}

/// What rooms say of the settings that are theirs.
pub fn checks() -> Checks {
    Checks {
        account: |email, password| accounts::check_account(email, password).map_err(|error| error.to_string()),
        proxies: |list| list.parse::<TrustedProxies>().map(|_| ()).map_err(|error| error.to_string()),
        places: Places::check,
        path: |path| match path.split('/').find(|segment| !segment.is_empty()).filter(|first| routes::is_taken(first)) {
            Some(first) => Err(format!("no path may begin with `/{first}`, which Vedette uses itself")),
            None => Ok(()),
        },
    }
}

/// A running server.
pub struct Server {
    /// What handlers get.
    pub app: App,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    tasks: Tasks,
    database: Database,
    ingest: Arc<Ingest>,
    exchange: Exchange,
    data_dir: PathBuf,
}

impl Server {
    /// Starts every part.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        make_dir(&settings.data_dir)?;
        let journal_options = JournalOptions { max_bytes: settings.journal_bytes, ..JournalOptions::default() };
        let (journal, found) = Journal::open(&settings.data_dir.join("journal"), journal_options, Arc::new(OsFiles))?;
        if found.records > 0 || !found.damaged.is_empty() {
            tracing::info!("{} records wait in the journal, {} damaged places were stepped over", found.records, found.damaged.len());
        }
        let listener = TcpListener::bind(&settings.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {} (VEDETTE_LISTEN)", settings.listen))?;
        let address = listener.local_addr()?;
        let database = Database::open(&settings.data_dir, settings.database_url.as_ref().map(ExposeSecret::expose_secret)).await?;
        let url = settings.url.clone().map_or_else(|| local_url(address), Ok)?;
        // An address is no mail domain.
        let domain = url.domain().unwrap_or("localhost");
        let sender = settings.mail_from.clone().unwrap_or_else(|| format!("Vedette <vedette@{domain}>"));
        let app = App::new(Parts {
            db: db::pool(&database.url, &DbOptions::default()).context("DATABASE_URL")?,
            clock: Clock::real(),
            ids: Ids::real(),
            blobs: Blobs::open(&settings.blobs, settings.data_dir.join("blobs")).context("VEDETTE_BLOBS_URL")?,
            mailer: Mailer::new(settings.smtp.clone(), &sender).context("VEDETTE_SMTP_URL, VEDETTE_MAIL_FROM")?,
            fetch: Fetch::new(settings.outbound.clone()),
            seal: seal(&settings)?,
            outbox: Wake::default(),
            url,
        });
        let journal_id = journal_id(&settings.data_dir, &app.ids)?;
        let (journal, registry, tasks) = (Arc::new(journal), Registry::open(&settings.data_dir), Tasks::new());
        let proxies: TrustedProxies = settings.trusted_proxies.parse().context("VEDETTE_TRUSTED_PROXIES")?;
        let places = settings.geoip.as_deref().map(Places::open).transpose().context("VEDETTE_GEOIP")?.unwrap_or_default();
        let ingest = ingest(&app, &journal, &registry, (proxies, settings.limits));
        let router = router(&app, &journal, &ingest);
        let exchange = exchange(&ingest, &registry);
        serve_http(listener, router, &tasks);
        // Commands beside the server look here.
        write_private(&settings.data_dir.join("database-url"), &database.url)?;
        write_private(&address_file(&settings.data_dir), &address.to_string())?;
        // Usually done before the first request; when the database is away, everything that needs none starts without it.
        let is_ready = tokio::time::timeout(FIRST_TRY, set_up_database(&app, &settings)).await;
        registry.run(app.clone(), &tasks);
        let digest = Digest::new(app.clone(), Arc::clone(&journal), journal_id, registry);
        Arc::new(digest.telling(ingest.requests().clone()).with_places(places.clone())).run(&tasks);
        periodic::run(places, app.clone(), &tasks);
        let hearing = Arc::new(Hearing::new(Arc::clone(&journal), journal_id));
        periodic::run(Listen(Arc::clone(&hearing)), app.clone(), &tasks);
        periodic::run(LookForTrouble { journal: Arc::clone(&journal), id: journal_id }, app.clone(), &tasks);
        flush_refused(Arc::clone(&ingest), app.clone(), &tasks);
        if let Some(managed) = &database.managed {
            let (managed, soft) = (Arc::clone(managed), tasks.soft().clone());
            tasks.spawn("postgres", async move {
                managed.supervise(soft).await;
                Ok(())
            });
        }
        let data_dir = settings.data_dir.clone();
        let url = database.url.clone();
        with_database((app.clone(), url), (settings, exchange.clone(), hearing), &tasks, matches!(is_ready, Ok(Ok(()))));
        Ok(Self { app, address, tasks, database, ingest, exchange, data_dir })
    }

    /// Returns when a task died; its error.
    pub async fn failed(&self) -> anyhow::Error {
        self.tasks.soft().cancelled().await;
        anyhow::anyhow!(self.tasks.failure().unwrap_or_default())
    }

    /// Ends every part: no new requests, what was begun is finished, then the database.
    pub async fn stop(self) -> anyhow::Result<()> {
        let _ = fs::remove_file(address_file(&self.data_dir));
        self.ingest.flush_refused(self.app.clock.now()).await;
        self.tasks.shut_down(PATIENCE).await;
        // What was counted since the last time; a database that is away has it no worse than after a crash.
        let _ = tokio::time::timeout(LAST_EXCHANGE, self.exchange.step(&self.app)).await;
        let _ = tokio::time::timeout(GOODBYE, self.app.db.close()).await;
        self.database.close().await;
        self.tasks.failure().map_or(Ok(()), |failure| Err(anyhow::anyhow!(failure)))
    }
}

/// Everything that HTTP reaches.
pub fn router(app: &App, journal: &Arc<Journal>, ingest: &Arc<Ingest>) -> Router {
    let proxies = ingest.trusted_proxies().clone();
    // Ingest finds the client's address by itself.
    let dashboard = routes::dashboard(app)
        .layer(Extension(Arc::clone(journal)))
        .layer(from_fn(move |request, next| tell_client(proxies.clone(), request, next)));
    let router = dashboard.merge(Arc::clone(ingest).routes()).merge(ops::health_routes(app.clone(), Arc::clone(journal)));
    let prefix = prefix::of(&app.url);
    if prefix.is_empty() {
        return router;
    }
    // Around the router, because its paths have to be matched without the prefix.
    Router::new().fallback_service(from_fn_with_state(Arc::<str>::from(prefix), prefix::below).layer(router))
}

/// Ingest over the journal and the registry, with what an operator may set of it.
pub fn ingest(app: &App, journal: &Arc<Journal>, registry: &Registry, (trusted_proxies, limits): (TrustedProxies, Limits)) -> Arc<Ingest> {
    let (look_up_app, clock, ids) = (app.clone(), app.clock.clone(), app.ids.clone());
    let registry = registry.clone();
    let seams = Seams {
        journal: Arc::clone(journal),
        lookup: Box::new(move |key| {
            let (app, registry) = (look_up_app.clone(), registry.clone());
            Box::pin(async move { registry.resolve(key, &app.db, app.clock.now()).await })
        }),
        now: Box::new(move || clock.now()),
        quotas: Quotas::default(),
        requests: RequestLog::default(),
        new_id: Box::new(move || ids.uuid().into()),
    };
    // What digest has a place for; other kinds end as unsupported.
    let kept = |kind| {
        use ItemKind::{Attachment, ClientReport, Event, Feedback, RawSecurity, UserReport};
        matches!(kind, Event | RawSecurity | Attachment | ClientReport | UserReport | Feedback)
    };
    Ingest::new(seams, ingest::Settings { limits, trusted_proxies, kept, ..ingest::Settings::default() })
}

/// What this process tells the others, and learns from them.
pub fn exchange(ingest: &Ingest, registry: &Registry) -> Exchange {
    Exchange { quotas: ingest.quotas().clone(), requests: ingest.requests().clone(), registry: registry.clone() }
}

/// Tells the dashboard from which address a request came: its throttles count per address.
async fn tell_client(proxies: TrustedProxies, mut request: Request, next: Next) -> Response {
    if let Some(address) = proxies.client_of(&request) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

fn serve_http(listener: TcpListener, router: Router, tasks: &Tasks) {
    let serving = serve::serve(listener, router, Patience::of_process(), tasks.soft().clone());
    tasks.spawn("http", async move {
        serving.await;
        Ok(())
    });
}

fn flush_refused(ingest: Arc<Ingest>, app: App, tasks: &Tasks) {
    let soft = tasks.soft().clone();
    tasks.spawn("ingest.refused", async move {
        while !soft.is_cancelled() {
            tokio::select! {
                () = soft.cancelled() => {}
                () = tokio::time::sleep(FLUSH_REFUSED) => {}
            }
            ingest.flush_refused(app.clock.now()).await;
        }
        Ok(())
    });
}

/// Brings the schema up to date as soon as the database answers, then starts what works in it.
fn with_database(
    (app, url): (App, String),
    (settings, exchange, hearing): (Settings, Exchange, Arc<Hearing>),
    tasks: &Tasks,
    is_ready: bool,
) {
    let (soft, later) = (tasks.soft().clone(), tasks.clone());
    tasks.spawn("database", async move {
        if !is_ready && soft.run_until_cancelled(database_ready(&app, &url, &settings)).await.is_none() {
            return Ok(());
        }
        outbox::run(app.clone(), Arc::new(alerts::handlers(Handlers::default())), &later);
        periodic::run(exchange, app.clone(), &later);
        periodic::run(MakeAhead, app.clone(), &later);
        periodic::run(blobs::Sweep, app.clone(), &later);
        periodic::run(Retention { days: settings.retention_days }, app.clone(), &later);
        periodic::run(alerts::Retention { days: settings.retention_days }, app.clone(), &later);
        periodic::run(feedback::Retention { days: settings.retention_days }, app.clone(), &later);
        periodic::run(Regroup, app.clone(), &later);
        periodic::run(WakeIssues, app.clone(), &later);
        periodic::run(Watch(hearing), app.clone(), &later);
        periodic::run(alerts::Weekly, app.clone(), &later);
        soft.cancelled().await;
        Ok(())
    });
}

/// Returns once the database answers and is set up.
async fn database_ready(app: &App, url: &str, settings: &Settings) {
    let mut was_said = false;
    while let Err(error) = set_up_database(app, settings).await {
        if !was_said {
            was_said = true;
            let error = db::reach(url).await.map_or_else(Into::into, |()| error);
            tracing::warn!("the database does not answer yet; events are taken and wait in the journal: {}", chain(&error));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn set_up_database(app: &App, settings: &Settings) -> anyhow::Result<()> {
    db::migrate(&app.db).await?;
    partitions::make_ahead(&app.db, app.clock.now()).await?;
    if let Some((email, password)) = &settings.admin {
        accounts::first_account(app, email, password.clone()).await?;
    }
    app.set_up_is_done();
    if let Some(path) = accounts::ensure_set_up_link(app).await? {
        tracing::info!("no account yet: open {} to make the first one (works once, for a day)", app.absolute(&path));
    }
    Ok(())
}

/// The address to open, when no other is set.
fn local_url(address: std::net::SocketAddr) -> anyhow::Result<Url> {
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    let host = if address.is_ipv6() && host != "localhost" { format!("[{host}]") } else { host };
    Ok(Url::parse(&format!("http://{host}:{}", address.port()))?)
}

/// What keeps secrets at rest: by the key that is set, or by one of this data directory.
fn seal(settings: &Settings) -> anyhow::Result<Seal> {
    if let Some(key) = &settings.secret_key {
        return Seal::new(key).map_err(|error| anyhow::anyhow!("VEDETTE_SECRET_KEY: {error}"));
    }
    let file = settings.data_dir.join("secret-key");
    if !file.exists() {
        write_private(&file, &Ids::real().secret())?;
    }
    let key = fs::read_to_string(&file).with_context(|| format!("the key in {} cannot be read", file.display()))?;
    Seal::new(&key.into()).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))
}

/// What tells this journal from one that is made later in the same place.
fn journal_id(data_dir: &Path, ids: &Ids) -> anyhow::Result<Uuid> {
    let file = data_dir.join("journal").join("identity");
    if let Some(id) = fs::read_to_string(&file).ok().and_then(|text| Uuid::try_parse(text.trim()).ok()) {
        return Ok(id);
    }
    let id = ids.uuid();
    write_private(&file, &id.to_string())?;
    Ok(id)
}

/// Writes a file that only its owner may read.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let partial = file.with_extension("new");
    let mut new = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    fs::rename(&partial, file)?;
    Ok(())
}
