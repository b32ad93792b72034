//! What could not be digested.

use askama::Template;

use crate::web::{
    Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls,
};

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRow {
    /// Its place in the queue, which names it.
    pub id: u64,
    /// The project's name; empty where it cannot be told.
    pub project: String,
    /// Name and version of the SDK; empty where it cannot be told.
    pub client: String,
    /// Why it could not be digested.
    pub reason: String,
    /// "5.1 KiB", on disk.
    pub size: String,
    /// Taken at.
    pub received: When,
    /// Given up at.
    pub buried: When,
}

impl DeadLetterRow {
    fn retry_href(&self) -> String {
        urls::dead_letter_retry(self.id)
    }

    fn delete_href(&self) -> String {
        urls::dead_letter_delete(self.id)
    }
}

/// All that `templates/ops/dead_letters.html` may print.
#[derive(Debug, Template)]
#[template(path = "ops/dead_letters.html")]
pub struct DeadLettersPage {
    /// Around it.
    pub shell: Shell,
    /// The oldest first, as many as fit a page.
    pub rows: Vec<DeadLetterRow>,
    /// How many there are.
    pub total: String,
}

impl Page for DeadLettersPage {
    const NAME: &'static str = "dead-letters";

    fn samples() -> Vec<Sample<Self>> {
        let row = |text: &str, client: &str| DeadLetterRow {
            id: 4711,
            project: text.to_owned(),
            client: client.to_owned(),
            reason: format!("this program has a defect that this record reveals: {text}"),
            size: "5.1 KiB".to_owned(),
            received: When::new(sample_now(), sample_now()),
            buried: When::new(sample_now(), sample_now()),
        };
        let page = |rows: Vec<_>| Self { shell: Shell::sample("Dead letters"), total: rows.len().to_string(), rows };
        vec![
            Sample::new("some", page(vec![row("shop-api", "sentry.python/2.75.0"), row("", "")])),
            Sample::new("none", page(vec![])),
            Sample::new("hostile", page(vec![row(HOSTILE, HOSTILE)])),
        ]
    }
}
