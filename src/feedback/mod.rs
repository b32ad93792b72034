//! # Feedback: what people say about errors
//! **Promise.** What a person wrote, in an SDK's widget, by an SDK's call or in the error page's form, is stored once and shown on the project's
//! feedback page and on the issue it is about, whichever of the two arrived first. It is text, never markup.
//! **How.** [`NewReport`] reads what was sent (pure), [`intake`] writes it in digest's transaction and joins it to its event, `pages` show and
//! sort it: open, resolved, spam. What is new is a fact of the outbox, one per project and batch; [`tell`] takes what is to be told. **When it breaks.** Feedback about an event that never comes stays without issue.
//! **Not here.** The error page's script and form (`ingest`); storing screenshots: they are attachments of the feedback's own id (`events`), listed and
//! handed out here; mails (`alerts`).

pub mod intake;
mod model;
pub mod moving;
mod pages;
mod queries;
mod retention;
mod telling;

pub use model::{About, Kind, MAX_MESSAGE, NewReport, Status, Unusable};
pub use pages::{panel, routes};
pub use retention::Retention;
pub use telling::{FEEDBACK_RECEIVED, Received, Told, Words, has_untold, tell};
