//! `vedette project create` and `vedette project list`.

use anyhow::Context as _;
use url::Url;

use super::print::line;
use crate::app::{Database, address_file};
use crate::config::Common;
use crate::platform::clock::Clock;
use crate::platform::db::{self, Db, DbOptions};
use crate::platform::ids::Ids;
use crate::projects::{self, NewProject};
use crate::protocol::{DsnId, PublicKey};
use crate::web::pages::snippets::PLATFORMS;

/// `vedette project …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a project and print its DSN
    Create {
        /// What people call it
        name: String,
        /// Which set-up snippet is shown first
        #[arg(long, value_parser = PLATFORMS.map(|platform| platform.id))]
        platform: Option<String>,
        /// The number in an old DSN that has to go on working
        #[arg(long, value_name = "N", allow_negative_numbers = true)]
        id: Option<i64>,
        /// The 32 hex digits of an old DSN
        #[arg(long, value_name = "HEX32")]
        key: Option<String>,
    },
    /// List projects: number, name, DSN
    List,
}

pub(super) async fn run(command: Command, common: &Common) -> anyhow::Result<()> {
    with_database(common, async |db| {
        let url = public_url(common)?;
        match command {
            Command::Create { name, platform, id, key } => {
                let key = key
                    .map(|key| key.parse::<PublicKey>().map_err(|_| anyhow::anyhow!("--key: `{key}` is not 32 hex digits")))
                    .transpose()?;
                let new = NewProject { name, platform: platform.unwrap_or_default(), dsn_id: id, key, owner: None };
                let made = projects::create(db, &new, &Ids::real(), Clock::real().now()).await?;
                line(format!("Project {} ({}) was made. Its DSN:", new.name, made.slug))?;
                line(projects::dsn(&url, made.key, made.dsn_id))?;
            }
            Command::List => {
                for project in projects::list(db).await? {
                    let dsn = project.key.zip(DsnId::new(project.dsn_id)).map(|(key, id)| projects::dsn(&url, key, id));
                    line(format!("{}\t{}\t{}", project.dsn_id, project.name, dsn.unwrap_or_else(|| "no active key".to_owned())))?;
                }
            }
        }
        Ok(())
    })
    .await
}

/// What to do about a database that does not let us in.
const UNREACHABLE: &str = "the database cannot be reached: is PostgreSQL running there, and is DATABASE_URL right?";

/// Runs `work` with the database, migrated; the running server's, or one that is started for it.
pub(super) async fn with_database(common: &Common, work: impl AsyncFnOnce(&Db) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let url = common.parse_database_url()?;
    let database = Database::open(&common.data_dir(), url).await?;
    let pool = db::pool(&database.url, &DbOptions { connections: 2, ..DbOptions::default() }).context("DATABASE_URL")?;
    let done = async {
        db::reach(&database.url).await.context(UNREACHABLE)?;
        db::migrate(&pool).await.context("the database cannot be brought up to date")?;
        work(&pool).await
    };
    let done = done.await;
    pool.close().await;
    database.close().await;
    done
}

/// The public address: as set, else where the running server says it listens, else where it would.
fn public_url(common: &Common) -> anyhow::Result<Url> {
    if let Some(url) = common.parse_url()? {
        return Ok(url);
    }
    let address = std::fs::read_to_string(address_file(&common.data_dir())).unwrap_or_else(|_| common.listen().to_owned());
    let address = address.trim().replace("0.0.0.0", "localhost").replace("[::]", "localhost");
    Url::parse(&format!("http://{address}")).context("the address file in the data directory")
}
