//! `vedette dev …`: for developers of Vedette; not a contract.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;

use super::print::line;
use crate::digest::process::{Facts, Wishes, grouped, normalised};
use crate::grouping::Config;
use crate::platform::clock::Clock;
use crate::platform::db::{self, DbOptions};
use crate::platform::postgres::{ManagedPostgres, Options};
use crate::protocol::ItemKind;
use crate::protocol::envelope::Envelope;

/// `vedette dev …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Run a throwaway PostgreSQL with the current schema until standard input ends; its URL is the first line
    Database {
        /// Where it lives
        #[arg(long = "dir", value_name = "DIR", default_value = "target/dev-database")]
        dir: PathBuf,
    },
    /// Write the events of recorded requests (decoded bodies) as they are stored, one file each: samples for a payload dictionary
    Samples {
        /// Where to write them
        out: PathBuf,
        /// Envelopes and store bodies
        bodies: Vec<PathBuf>,
    },
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Database { dir } => database(dir).await,
        Command::Samples { out, bodies } => samples(&out, &bodies),
    }
}

async fn database(dir: PathBuf) -> anyhow::Result<()> {
    let postgres = ManagedPostgres::start(&dir, Options::throwaway()).await?;
    let pool = db::pool(&postgres.url(), &DbOptions::default())?;
    db::migrate(&pool).await?;
    pool.close().await;
    let told = line(postgres.url());
    if told.is_ok() {
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())).await??;
    }
    postgres.stop().await;
    told
}

/// How the dictionary that ships was made: `zstd --train-cover=d=8,steps=20 --maxdict=65536 OUT/*.json -o src/events/dictionary-1.zdict`.
fn samples(out: &Path, bodies: &[PathBuf]) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    let mut seen = HashSet::new();
    for file in bodies {
        let body = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        for payload in payloads(body) {
            let facts = Facts::new(Clock::real().now());
            let wishes = Wishes { scrubber: None, filters: None, store_ips: true };
            let Ok(mut event) = normalised(&payload, &facts, wishes) else { continue };
            grouped(&mut event, &Config::standard());
            let json = serde_json::to_vec(&event)?;
            if seen.insert(json.clone()) {
                std::fs::write(out.join(format!("{}.json", seen.len())), json)?;
            }
        }
    }
    line(format!("{} events", seen.len()))
}

/// The events of an envelope, or the body itself.
fn payloads(body: Vec<u8>) -> Vec<Bytes> {
    let body = Bytes::from(body);
    if serde_json::from_slice::<Value>(&body).is_ok() {
        return vec![body];
    }
    let items = Envelope::parse(&body).ok().and_then(|envelope| envelope.collect_items().ok()).unwrap_or_default();
    items.into_iter().filter(|item| item.header.kind() == ItemKind::Event).map(|item| item.payload).collect()
}
