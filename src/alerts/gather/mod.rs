//! # Gathering: one mail per fact, or one for many
//! **Promise.** The first fact about a project reaches a recipient (a person, a channel) at once. What follows within some minutes comes in one mail more, which counts it and
//! names the most important; while it goes on, these mails come ever more rarely (5, 10, 20, 30 minutes). Nobody gets more than [`MOST`] mails an hour, those that keep a pace
//! of their own (feedback, limits, noisy places) among them; the next mail tells of what was held back. No fact is lost: for each and every recipient the log has what became of it.
//! **How.** [`tell()`] notes a fact and decides for each recipient, in the transaction that ends the fact's job, under the lock of the recipient's [`Pace`](pace::Pace);
//! what is gathered waits in rows, and one job per recipient and project ([`due()`]) makes the mail. **When it breaks.** A job that dies leaves what is
//! gathered where it is: the next fact an hour later begins anew. A mail that fails is the outbox's to try again.
//! **Not here.** What a mail about one fact says (`compose`), the mail for many (`web::digest_mail`).

mod due;
pub(super) mod pace;
mod queries;
mod recipient;
mod tell;

pub(super) use due::{GATHERED, due, wait_until};
pub(super) use pace::MOST;
pub(super) use queries::{Before, Told, sweep, told_of_issue, told_to, was_noted};
pub(super) use recipient::{Addressee, Recipient, addressees};
pub(super) use tell::{Fact, drop, keep, tell, tell_now, tell_with_others};
