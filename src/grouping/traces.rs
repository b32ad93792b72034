//! # All stack traces of an event
//!
//! **Promise.** Each stack trace is read once and treated alone by the rules; everything else in grouping looks at these.

use super::frame::{self, Frame};
use super::rules::{GroupPlan, Matching, Rules, settle};
use super::shape::{self, Object};
use super::stacktrace::StackTrace;
use super::version::Version;

/// An exception or thread with its stack trace.
#[derive(Debug)]
pub(super) struct Owner<'e> {
    pub(super) object: &'e Object,
    pub(super) trace: Option<StackTrace<'e>>,
}

/// The stack traces of an event, by owner.
#[derive(Debug)]
pub(super) struct Traces<'e> {
    /// How they are looked at.
    pub(super) version: Version,
    pub(super) exceptions: Vec<Owner<'e>>,
    pub(super) own: Option<StackTrace<'e>>,
    pub(super) threads: Vec<Owner<'e>>,
}

impl<'e> Traces<'e> {
    /// Reads all stack traces; flags are still the client's.
    pub(super) fn read(event: &'e Object, version: Version) -> Self {
        let platform = shape::platform(event);
        let trace = |owner| frame::frames(owner, platform).map(|frames| StackTrace { frames, plan: GroupPlan::default() });
        let owner = |object| Owner { object, trace: trace(object) };
        Self {
            version,
            exceptions: shape::exceptions(event).into_iter().map(owner).collect(),
            own: trace(event),
            threads: shape::threads(event).into_iter().map(owner).collect(),
        }
    }

    /// Applies the rules to every stack trace. Frames whose flag nobody set are out of the app.
    pub(super) fn settle(&mut self, rules: &Rules) -> bool {
        let exceptions = self.exceptions.iter_mut().map(|owner| (Some(owner.object), owner.trace.as_mut()));
        let own = std::iter::once((None, self.own.as_mut()));
        let threads = self.threads.iter_mut().map(|owner| (None, owner.trace.as_mut()));
        let mut matching = Matching::default();
        for (exception, trace) in exceptions.chain(own).chain(threads) {
            let Some(trace) = trace else { continue };
            trace.plan = settle(rules, exception, &mut trace.frames, &mut matching);
            trace.frames.iter_mut().for_each(|frame| frame.in_app = Some(frame.in_app.unwrap_or(false)));
        }
        matching.is_spent()
    }

    /// The settled flags, one list per stack trace: exceptions, the event itself, threads.
    pub(super) fn in_app(&self) -> Vec<Vec<bool>> {
        let exceptions = self.exceptions.iter().filter_map(|owner| owner.trace.as_ref());
        let threads = self.threads.iter().filter_map(|owner| owner.trace.as_ref());
        let all = exceptions.chain(self.own.as_ref()).chain(threads);
        all.map(|trace| trace.frames.iter().map(|frame| frame.in_app == Some(true)).collect()).collect()
    }

    /// The thread whose stack trace speaks for the event: the only crashed one, else the only current one, else the only one.
    pub(super) fn main_thread(&self) -> Option<&Owner<'e>> {
        let only = |flag: &str| {
            let mut flagged =
                self.threads.iter().filter(|thread| thread.object.get(flag).and_then(serde_json::Value::as_bool) == Some(true));
            flagged.next().filter(|_| flagged.next().is_none())
        };
        let single = if let [thread] = self.threads.as_slice() { Some(thread) } else { None };
        only("crashed").or_else(|| only("current")).or(single)
    }

    /// The frames that stand for the crash: of the last exception, else of the event, else of its single thread.
    pub(super) fn crash_frames(&self) -> &[Frame<'e>] {
        let of_exception = self.exceptions.last().and_then(|owner| owner.trace.as_ref());
        let of_thread = match self.threads.as_slice() {
            [thread] => thread.trace.as_ref(),
            _ => None,
        };
        of_exception.or(self.own.as_ref()).or(of_thread).map_or(&[], |trace| &trace.frames)
    }

    /// The crash frame among those that `wanted` accepts: the in-app one nearest the crash, else the last.
    pub(super) fn crash_frame(&self, wanted: impl Fn(&Frame<'e>) -> bool) -> Option<&Frame<'e>> {
        let mut newest_first = self.crash_frames().iter().rev().filter(|frame| wanted(frame));
        let last = newest_first.clone().next();
        newest_first.find(|frame| frame.in_app == Some(true)).or(last)
    }
}
