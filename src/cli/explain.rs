//! `vedette explain`: what becomes of one event, by the functions that digest calls.

use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::print::line;
use crate::digest::process::{Facts, Wishes, grouped, normalised};
use crate::event::geo::GeoIp;
use crate::event::scrub::{ScrubSettings, Scrubber};
use crate::grouping::Config;
use crate::platform::clock::Clock;
use crate::protocol::envelope::Envelope;

/// `vedette explain …`. An empty value is one not given.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A project's grouping rules, as JSON
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    config: String,
    /// The address of the request that brought the event
    #[arg(long, value_name = "IP", default_value = "", hide_default_value = true)]
    client_ip: String,
    /// The User-Agent of that request
    #[arg(long, value_name = "UA", default_value = "", hide_default_value = true)]
    user_agent: String,
    /// The SDK, as the request's credentials name it
    #[arg(long, value_name = "NAME/VERSION", default_value = "", hide_default_value = true)]
    client: String,
    /// The first line of the envelope that it came in
    #[arg(long, value_name = "JSON", default_value = "", hide_default_value = true)]
    envelope_header: String,
    /// When it arrived, such as 2026-11-22T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", default_value = "", hide_default_value = true)]
    received: String,
    /// A MaxMind database of places
    #[arg(long, value_name = "FILE", default_value = "", hide_default_value = true)]
    geoip: String,
    /// Data scrubbing settings; without them nothing is scrubbed
    #[arg(long, value_name = "JSON", default_value = "", hide_default_value = true)]
    scrub: String,
    /// The event as JSON, or - for standard input
    file: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let payload = read(&args.file)?;
    line(explain(&payload, args)?.to_string())
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn explain(payload: &[u8], args: &Args) -> anyhow::Result<Value> {
    let config = match given(&args.config) {
        Some(file) => {
            let json = serde_json::from_slice(&read(file)?).with_context(|| format!("--config: {file} is no JSON"))?;
            Config::from_json(&json).with_context(|| format!("--config: {file}"))?
        }
        None => Config::standard(),
    };
    let settings: Option<ScrubSettings> = given(&args.scrub).map(serde_json::from_str).transpose().context("--scrub")?;
    let store_ips = settings.as_ref().is_none_or(|settings| !settings.scrub_ip_addresses);
    let scrubber: Option<Scrubber> = settings.map(|settings| settings.compile()).transpose().context("--scrub")?;
    let client_ip = given(&args.client_ip).map(str::parse::<IpAddr>).transpose().context("--client-ip")?;
    let received = given(&args.received).map(str::parse::<DateTime<Utc>>).transpose().context("--received")?;
    let places = given(&args.geoip).map(|file| anyhow::Ok(Arc::new(GeoIp::open(read(file)?)?))).transpose().context("--geoip")?;
    let envelope = given(&args.envelope_header).map(|line| Envelope::parse(&line.to_owned().into())).transpose();
    let header = envelope.context("--envelope-header")?.map(|envelope| envelope.header).unwrap_or_default();
    let facts = Facts {
        client_ip,
        user_agent: given(&args.user_agent),
        client: given(&args.client),
        sdk: header.sdk.as_ref(),
        trace: header.trace.as_ref(),
        sent_at: header.sent_at,
        event_id: header.event_id.map(|id| id.to_string()),
        places,
        ..Facts::new(received.unwrap_or_else(|| Clock::real().now()))
    };
    let wishes = Wishes { scrubber: scrubber.as_ref(), filters: None, store_ips };
    let mut event = normalised(payload, &facts, wishes)?;
    // Grouping rewrites frames; what is printed is the event before.
    let normalized = event.clone();
    let grouping = grouped(&mut event, &config);
    Ok(json!({
        "title": grouping.title,
        "culprit": grouping.culprit,
        "type": grouping.kind.as_str(),
        "level": normalized.get("level").cloned().unwrap_or_default(),
        "normalized": normalized,
        "grouping": grouping.to_json(),
    }))
}

fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input")?;
        return Ok(bytes);
    }
    std::fs::read(Path::new(file)).with_context(|| format!("{file} cannot be read"))
}
