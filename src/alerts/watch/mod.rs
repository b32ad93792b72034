//! # Watch: the spike detector at work
//! **Promise.** Within 15 seconds of a minute's end every issue that had events in it has been asked whether it does what it never does; each yes is one
//! fact, in the transaction of the state that says so, however many processes watch and whenever one dies.
//! **How.** Digest leaves counts by the minute events happened in (`events::fresh`). One process at a time ([`Watch`], a lock of the transaction)
//! takes those of minutes that are over and digested, moves the issues' states on ([`follow`], pure) and writes them back, many in a
//! statement. A transaction sees one moment of the database: who was quicker, an evaluator or a correction, wins, and the other begins again.
//! Which minutes nobody listened in is known from those in which somebody did ([`hearing`]).
//! **Late.** A minute that is over waits until every process that was alive within half a minute has digested what it received in it, a quarter of an hour at
//! most; what comes later still goes to the minute it happened in, and is judged if that is not a quarter of an hour ago. Older minutes are learnt and raise no alert.
//! **Corrections.** Issues that gain or lost events lose their state; when the correction is finished and new events come, it is made anew from
//! the minutes that are counted of them, and nobody is told of what is found there.
//! **When it breaks.** A round that fails leaves everything as it was. A state that cannot be read is made anew.
//! **Projects.** The same detector follows each project as a whole ([`whole`]), and what is unusual about its silence ([`silence`]).
//! **Not here.** What is a spike ([`super::spikes`]), who is told (`super::spiked`).

mod follow;
mod hearing;
mod queries;
mod round;
mod silence;
mod whole;

pub use hearing::{Hearing, Listen};
pub(super) use queries::sweep;
pub use round::Watch;
