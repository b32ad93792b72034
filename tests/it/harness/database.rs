//! Databases: a template per state of the migrations, made once under a lock, and a copy of it per test.
//!
//! `DATABASE_URL` names the server to use; without it this binary starts a throwaway cluster by the product's own code, which ends with it.

use std::str::FromStr as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, Row as _};
use vedette::platform::db::{self, Db, MIGRATOR, run_script};
use vedette::platform::postgres::{ManagedPostgres, Options};

/// Over which the makers of templates and the sweepers agree.
const LOCK: i64 = 0x5645_4445_5454_0001;

/// Where the server is, as options that name no database of ours.
static SERVER: LazyLock<PgConnectOptions> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
    let given = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    PgConnectOptions::from_str(&given.unwrap_or_else(throwaway)).expect("DATABASE_URL").disable_statement_logging()
});

/// The template's name, once it is there.
static TEMPLATE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
static COPIES: AtomicU32 = AtomicU32::new(0);

/// Starts a cluster whose end a small process of its own waits for; its runtime lives as long as this process.
fn throwaway() -> String {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let home = tempfile::Builder::new().prefix("vedette-it-").tempdir().unwrap().keep();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let managed = ManagedPostgres::start(&home, Options::throwaway()).await.expect("a throwaway PostgreSQL");
            send.send(managed.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receive.recv().expect("a throwaway PostgreSQL")
}

/// A database of one test.
pub(crate) struct TestDb {
    name: String,
}

impl TestDb {
    /// A copy of the template.
    pub(crate) async fn create() -> Self {
        let mut admin = connect(None).await;
        let template = TEMPLATE.get_or_init(template).await;
        let name = format!("t_{}_{}", std::process::id(), COPIES.fetch_add(1, Ordering::SeqCst));
        run_script(&mut admin, format!("create database {name} template {template}")).await.unwrap();
        Self { name }
    }

    /// A database without any table.
    pub(crate) async fn empty() -> Self {
        let name = format!("t_{}_{}", std::process::id(), COPIES.fetch_add(1, Ordering::SeqCst));
        run_script(&mut connect(None).await, format!("create database {name} template template0")).await.unwrap();
        Self { name }
    }

    /// A small pool: tests run beside one another.
    pub(crate) fn pool(&self) -> Db {
        let options = PgPoolOptions::new().max_connections(6).acquire_timeout(Duration::from_secs(30));
        options.connect_lazy_with(SERVER.clone().database(&self.name))
    }

    /// Deletes it; what a failed test leaves is swept by the next run.
    pub(crate) async fn drop_now(&self) {
        let mut admin = connect(None).await;
        // A worker of autovacuum cannot be ended by force: PostgreSQL refuses, and it is gone a moment later.
        for _ in 0..20 {
            match run_script(&mut admin, format!("drop database if exists {} with (force)", self.name)).await {
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
                    run_script(&mut admin, "select pg_sleep(0.2)".to_owned()).await.unwrap();
                }
                done => return done.unwrap(),
            }
        }
        panic!("{} is still in use by PostgreSQL itself", self.name);
    }
}

async fn connect(database: Option<&str>) -> PgConnection {
    let options = SERVER.clone();
    let options = match database {
        Some(name) => options.database(name),
        None => options,
    };
    options.connect().await.expect("PostgreSQL does not answer")
}

/// The template of these migrations; makes it unless it is there.
async fn template() -> String {
    let checksums: Vec<u8> = MIGRATOR.iter().flat_map(|migration| migration.checksum.iter().copied()).collect();
    let hash = checksums.chunks(8).fold(0xcbf2_9ce4_8422_2325_u64, |hash, chunk| {
        chunk.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
    });
    let name = format!("tmpl_{hash:016x}");
    let mut admin = connect(None).await;
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut admin).await.unwrap();
    sweep(&mut admin).await;
    let there = sqlx::query("select 1 from pg_database where datname = $1").bind(&name).fetch_optional(&mut admin).await.unwrap();
    if there.is_none() {
        let partial = format!("{name}_new");
        run_script(&mut admin, format!("drop database if exists {partial}")).await.unwrap();
        run_script(&mut admin, format!("create database {partial} template template0")).await.unwrap();
        // Migrating takes two connections.
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(SERVER.clone().database(&partial));
        db::migrate(&pool).await.unwrap();
        spread_sequences(&mut pool.acquire().await.unwrap()).await;
        pool.close().await;
        run_script(&mut admin, format!("alter database {partial} rename to {name}")).await.unwrap();
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut admin).await.unwrap();
    name
}

/// Deletes what processes that are gone have left.
async fn sweep(admin: &mut PgConnection) {
    let left = sqlx::query(
        "select datname from pg_database d where datname ~ '^t_[0-9]+_[0-9]+$'
        and not exists (select 1 from pg_stat_activity a where a.datid = d.oid)",
    );
    for row in left.fetch_all(&mut *admin).await.unwrap() {
        let name: String = row.get(0);
        let process = name.split('_').nth(1).unwrap_or_default();
        if !std::path::Path::new("/proc").join(process).exists() {
            // Somebody may have been faster.
            let _ = run_script(admin, format!("drop database if exists {name}")).await;
        }
    }
}

/// Ids of one table are none of another: a query that mixes them up finds nothing.
async fn spread_sequences(db: &mut PgConnection) {
    let sequences = sqlx::query("select sequencename from pg_sequences where schemaname = 'public' order by 1").fetch_all(&mut *db).await;
    for (index, row) in sequences.unwrap().iter().enumerate() {
        let sequence: String = row.get(0);
        run_script(db, format!("select setval('{sequence}', {}, false)", (index + 1) * 10_000 + 1)).await.unwrap();
    }
}
