//! `vedette send-test DSN`: one event, as an SDK would send it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::print::line;
use crate::platform::clock::Clock;
use crate::platform::ids::Ids;
use crate::protocol::Dsn;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// `vedette send-test …`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to send it: http://key@host/number
    dsn: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let dsn: Dsn = args.dsn.parse().context("this is no DSN")?;
    let (id, now) = (Ids::real().uuid().simple().to_string(), Clock::real().now());
    let frame = json!({"filename": "src/cli/send_test.rs", "function": "run", "in_app": true, "lineno": line!(), "context_line": "let event = json!({…});"});
    let event = json!({
        "event_id": id,
        "timestamp": now.timestamp_micros() as f64 / 1e6,
        "platform": "native",
        "level": "error",
        "environment": "test",
        "exception": {"values": [{"type": "TestError", "value": "Vedette's own test event: everything arrives", "stacktrace": {"frames": [frame]}}]},
        "tags": {"source": "vedette send-test"},
    });
    let payload = event.to_string();
    let header = json!({"event_id": id, "dsn": args.dsn, "sent_at": now.to_rfc3339()});
    let envelope = format!("{header}\n{{\"type\":\"event\",\"length\":{}}}\n{payload}\n", payload.len());
    let url = dsn.endpoint("envelope");
    let auth = format!("Sentry sentry_version=7, sentry_client=vedette-test/{}, sentry_key={}", env!("CARGO_PKG_VERSION"), dsn.key());
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into();
    let answer = agent.post(&url).header("X-Sentry-Auth", &auth).header("Content-Type", "application/x-sentry-envelope").send(&envelope);
    let mut answer = answer.with_context(|| format!("{url} does not answer: is the server running, and is this its address?"))?;
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    if !answer.status().is_success() {
        let hint = match answer.status().as_u16() {
            401 | 403 => {
                " (the server does not know this key for this project, or the key is disabled: copy the DSN from the project's page)"
            }
            404 | 405 => " (this does not look like Vedette: compare host and port with the DSN on the project's page)",
            413 => " (something in front of the server allows smaller requests only)",
            429 | 503 => " (the server takes nothing at the moment: its /healthz says why)",
            _ => "",
        };
        bail!("{url} answered {}: {}{hint}", answer.status(), text.trim());
    }
    line(format!("Event {id} was taken ({}). It shows in the issue list within a second.", answer.status()))
}
