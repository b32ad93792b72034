//! # Issues: what people look at
//! **Promise.** An issue is open, resolved or ignored; who changed that, and when, stays readable; one that comes back after it was resolved is
//! open again and says so. **How.** [`model`] decides (pure), [`queries`](self) hold the SQL, `pages` show.
//! **Not here.** Payloads of events (`events`), which events make an issue (`grouping`, `digest`), mails (`alerts`).

mod activity;
pub mod changed;
pub mod facts;
pub mod intake;
pub mod model;
pub mod moving;
mod pages;
mod queries;
pub mod regroup;
mod search;
pub mod snoozes;
pub mod spikes;
mod split_by;
pub mod texts;
pub mod view;

pub use crate::accounts::IssueId;
pub use pages::{Tally, act};
pub use search::named_issue;

use crate::accounts::Route;

/// The room's rows of the URL table.
pub fn routes() -> Vec<Route> {
    pages::routes()
}
