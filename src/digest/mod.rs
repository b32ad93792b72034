//! # Digest: from journalled envelopes to rows
//! **Promise.** Every item `ingest` acknowledged ends in exactly one outcome, and every accepted event is stored exactly once.
//! **How.** [`worker`] takes what waits in the journal as a batch; [`prepare`] opens records on all but one core: [`process`] parses, normalises,
//! filters, scrubs and groups one event (pure; `vedette explain` calls the same); [`attachments`] stores files, on a [`lane`] of its own; [`mod@write`] puts a batch into ONE transaction: issues, events,
//! counters, users, tags, outcomes, jobs. Only then the journal forgets the batch. Batch n+1 is prepared while batch n is written.
//! **When it breaks.** Away database: the same batch again, for as long as it takes. A batch whose data fails is bisected; a record that fails
//! alone, or panics, becomes a dead letter with its reason, visible and retriable. A repeat after a crash meets its own rows.
//! **Not here.** HTTP (`ingest`), sending anything (`alerts` runs the jobs that are enqueued here).

mod attachments;
mod crash;
mod feedback;
mod lane;
mod marks;
mod noise;
mod notes;
mod outcomes;
mod places;
mod prepare;
pub mod process;
mod reported;
mod worker;
mod write;

pub use places::Places;
pub use worker::{Digest, Hook};
