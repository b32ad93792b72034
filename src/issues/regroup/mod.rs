//! # Regroup: which events are one issue, corrected afterwards
//! **Promise.** People merge issues and split hashes out of them, and apply new rules to stored events; history, counts, users, tags and times go
//! along, later events follow, and each correction can be undone. Events go on coming meanwhile; none is lost or counted twice.
//! **How.** A correction is a row of `regroupings`. What decides where later events go (hashes) changes in one short transaction that excludes
//! digest; stored events follow in batches (`work`, `step`), each a transaction that keeps its place, so a process that dies resumes. Rules are planned
//! first: every stored event is grouped again (`scan`), and [`plan`] decides from the counts which issue becomes what; a dry run ends there.
//! **When it breaks.** One correction at a time and project; a batch that fails is tried again. An event that cannot be read stays where it is.
//! What is counted of events that are not stored any more stays with its issue, or goes with the whole of it.
//! **Not here.** The rows of issues and events (`moving` here and in `events`), grouping itself.

mod act;
mod kept;
mod model;
pub mod plan;
mod queries;
mod scan;
mod settle;
mod step;
mod work;

pub use act::{Act, Refused, apply_rules, confirm, merge, split, undo};
pub use model::{ADDED, Kind, Regrouping, State};
pub use queries::{latest, of_issue, others};
pub use scan::{Sample, dry_run};
pub use work::{Regroup, one_batch, run_to_end};
