//! # Logs
//! **Promise.** One line per happening, readable alone, with its fields; no bodies, addresses of people, or secrets.
//! **How.** `tracing` to standard error; `VEDETTE_LOG` filters as `RUST_LOG` does (`info` by default), `VEDETTE_LOG_FORMAT=json` for machines.
//! **Not here.** Metrics (`ops`).

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// An error and its causes in one line. A cause that its effect has quoted already is not said twice.
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Starts logging; once per process. A filter that does not parse is replaced by `info`, and said.
pub fn init(filter: &str, format: LogFormat) {
    // PostgreSQL's notices are no news.
    let (filter, problem) = match EnvFilter::try_new(format!("sqlx=warn,{filter}")) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let installed = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if installed.is_ok()
        && let Some(problem) = problem
    {
        tracing::warn!("VEDETTE_LOG is not a filter ({problem}); logging at info");
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let quoting: anyhow::Error = sqlx::Error::Configuration("no host".into()).into();
        let error = Err::<(), _>(quoting).context("DATABASE_URL").unwrap_err();
        assert_eq!(chain(&error).matches("no host").count(), 1, "{}", chain(&error));
        assert!(chain(&error).starts_with("DATABASE_URL: "));
    }
}
