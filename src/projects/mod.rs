//! # Projects: where events go
//! **Promise.** A DSN that was handed out works until somebody switches its key off; a new one works at once, in every process. A project's
//! rules (scrubbing, filters, grouping) are ready in memory, and rules that make no sense never stop its events.
//! **How.** [`Registry`] holds keys and compiled rules: loaded at start, refreshed by LISTEN and by a timer, and kept in a file. [`create()`] makes
//! projects; the pages show the DSN and what became of what was sent, and let administrators change name, members, keys and rules.
//! **When it breaks.** While the database is away the registry answers from memory, after a restart from its file; a key it has never seen is
//! [`KeyAnswer::Unavailable`]. Settings that do not compile fall back to the standard, with an ERROR line.
//! **Not here.** Who may see a project (`accounts`); what arrives in it (`digest`, `issues`).

mod create;
mod exchange;
mod known;
mod names;
pub mod noise;
mod numbers;
mod outcomes;
mod pages;
mod queries;
pub mod quotas;
pub mod recent;
mod registry;
mod settings;
pub mod source_link;
mod unknown;

pub use create::{CreateError, Created, NewProject, create, dsn};
pub use exchange::Exchange;
pub use numbers::{Numbers, lock_numbers, store_numbers};
pub use pages::grouping_rules::{checked as checked_rules, save as save_rules, typed as typed_rules};
pub use pages::{noise::places as noisy_places, routes};
pub use queries::{ProjectLine, by_slug, existing, grouping_rules, list, recipients, saved_rules, source_link};
pub use quotas::Quotas;
pub use registry::{KeyAnswer, KeyInfo, Registry};
pub use settings::{GroupingRules, MailSettings, ProjectConfig, ProjectSettings, Transition};
