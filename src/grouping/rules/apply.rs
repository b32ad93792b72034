//! # Applying stack trace rules
//!
//! **Promise.** Rules run in order, each on all frames at once: first find the frames that match, then change them, so that a rule sees what the
//! rules before it did (grouping.md 3.4).
//! **How.** The pass over flags settles `in_app` and categories. What rules say about grouping depends on the settled flags only, so it is found
//! once, as a [`GroupPlan`], and carried out for each variant by `stacktrace`.

use std::iter::Peekable;
use std::slice;
use std::sync::Arc;

use super::super::frame::Frame;
use super::super::shape::{self, Object};
use super::compile::{Bits, Flag, Ready, Rules, Test, What};
use super::{Reach, RuleSource, Subject};

/// What the rules say about which frames count.
#[derive(Debug, Default)]
pub(in super::super) struct GroupPlan {
    /// In order: the frames from a matched frame, whether they count, and the rule.
    pub(in super::super) edits: Vec<Edit>,
    /// Keep only so many frames nearest the crash (0: all).
    pub(in super::super) max_frames: usize,
    /// Fewer frames than this do not count at all.
    pub(in super::super) min_frames: usize,
    /// Hash the frames in reverse order.
    pub(in super::super) invert: bool,
    /// For each frame the rule that said whether it is in the app, if one did.
    pub(in super::super) flagged_by: Vec<Option<Arc<RuleSource>>>,
}

/// One `±group` that fired.
#[derive(Debug)]
pub(in super::super) struct Edit {
    pub(in super::super) frame: usize,
    pub(in super::super) reach: Reach,
    pub(in super::super) counts: bool,
    pub(in super::super) rule: Arc<RuleSource>,
}

/// Applies all rules to the frames of one stack trace: sets their `in_app` and category, and returns what the rules say about grouping.
pub(in super::super) fn settle(rules: &Rules, exception: Option<&Object>, frames: &mut [Frame<'_>]) -> GroupPlan {
    let globs = matched_globs(rules, exception, frames);
    let candidates = candidates(rules, &globs);
    let mut hits = Vec::new();
    let mut order = Order::new(rules, &candidates);
    while let Some((rule, filed)) = order.next() {
        let ready = &rules.all[rule as usize];
        if ready.flags.is_empty() {
            continue;
        }
        ready.hits(frames, &globs, filed, &mut hits);
        for &frame in &hits {
            ready.flag(frame, rule, frames);
        }
    }
    plan(rules, frames, &globs, &candidates)
}

fn plan(rules: &Rules, frames: &[Frame<'_>], globs: &[Bits], candidates: &[(u32, u32)]) -> GroupPlan {
    let flagged_by = |frame: &Frame<'_>| frame.in_app_rule.map(|rule| rules.all[rule as usize].source.clone());
    let mut plan = GroupPlan { flagged_by: frames.iter().map(flagged_by).collect(), ..GroupPlan::default() };
    let mut hits = Vec::new();
    let mut order = Order::new(rules, candidates);
    while let Some((rule, filed)) = order.next() {
        let ready = &rules.all[rule as usize];
        if ready.groups.is_empty() && ready.max_frames.is_none() && ready.min_frames.is_none() && ready.invert.is_none() {
            continue;
        }
        ready.hits(frames, globs, filed, &mut hits);
        for &frame in &hits {
            let edit = |&(reach, counts): &(Reach, bool)| Edit { frame, reach, counts, rule: ready.source.clone() };
            plan.edits.extend(ready.groups.iter().map(edit));
        }
        if !hits.is_empty() {
            plan.max_frames = ready.max_frames.unwrap_or(plan.max_frames);
            plan.min_frames = ready.min_frames.unwrap_or(plan.min_frames);
            plan.invert = ready.invert.unwrap_or(plan.invert);
        }
    }
    plan
}

/// Which globs each frame matches, its exception's included.
fn matched_globs<'e>(rules: &Rules, exception: Option<&Object>, frames: &[Frame<'e>]) -> Vec<Bits> {
    let mut shared = Bits::default();
    if rules.looks_at_errors() {
        let field = |key| exception.and_then(|exception| shape::text(exception, key)).unwrap_or("<unknown>");
        let mechanism = exception.and_then(shape::mechanism).and_then(|mechanism| shape::text(mechanism, "type"));
        rules.find(Subject::ErrorType, field("type"), &mut shared);
        rules.find(Subject::ErrorValue, field("value"), &mut shared);
        rules.find(Subject::Mechanism, mechanism.unwrap_or("<unknown>"), &mut shared);
    }
    // Neighbours often share their module or package, so each field remembers its last text.
    let mut last: [(Option<&str>, Bits); 4] = Default::default();
    let mut of_frame = |frame: &Frame<'e>| {
        let mut bits = shared.clone();
        let fields = [
            (Subject::Path, frame.abs_path.or(frame.filename)),
            (Subject::Package, frame.package),
            (Subject::Module, frame.module),
            (Subject::Function, Some(frame.function.unwrap_or("<unknown>"))),
        ];
        for ((subject, value), (last_value, last_bits)) in fields.into_iter().zip(&mut last) {
            let Some(value) = value else { continue };
            if *last_value != Some(value) {
                *last_bits = Bits::default();
                rules.find(subject, value, last_bits);
                *last_value = Some(value);
            }
            bits.extend(last_bits);
        }
        bits
    };
    frames.iter().map(&mut of_frame).collect()
}

/// The rules filed under a glob that a frame matches, with that frame: sorted by rule, then frame.
fn candidates(rules: &Rules, globs: &[Bits]) -> Vec<(u32, u32)> {
    let mut candidates = Vec::new();
    for (bits, frame) in globs.iter().zip(0u32..) {
        for glob in bits.iter() {
            candidates.extend(rules.filed_under(glob).iter().map(|rule| (*rule, frame)));
        }
    }
    candidates.sort_unstable();
    candidates
}

/// Rules with the frames they may concern, sorted.
type Filed<'r> = &'r [(u32, u32)];

/// Walks, in rule order, the rules that may concern a frame, each with its candidate frames (`None`: all frames).
struct Order<'r> {
    always: Peekable<slice::Iter<'r, u32>>,
    filed: Filed<'r>,
}

impl<'r> Order<'r> {
    fn new(rules: &'r Rules, filed: Filed<'r>) -> Self {
        Self { always: rules.always.iter().peekable(), filed }
    }

    fn next(&mut self) -> Option<(u32, Option<Filed<'r>>)> {
        let filed = self.filed.first().map(|(rule, _)| *rule);
        if let Some(&&rule) = self.always.peek()
            && filed.is_none_or(|filed| rule < filed)
        {
            self.always.next();
            return Some((rule, None));
        }
        let rule = filed?;
        let end = self.filed.partition_point(|(other, _)| *other == rule);
        let (now, later) = self.filed.split_at(end);
        self.filed = later;
        Some((rule, Some(now)))
    }
}

impl Ready {
    /// The frames for which the whole rule holds, in order.
    fn hits(&self, frames: &[Frame<'_>], globs: &[Bits], filed: Option<Filed<'_>>, hits: &mut Vec<usize>) {
        hits.clear();
        let holds = |frame: &usize| self.holds(*frame, frames, globs);
        match filed {
            Some(filed) => hits.extend(filed.iter().map(|(_, frame)| *frame as usize).filter(holds)),
            None => hits.extend((0..frames.len()).filter(holds)),
        }
    }

    fn holds(&self, frame: usize, frames: &[Frame<'_>], globs: &[Bits]) -> bool {
        let test_at = |test: &Test, index: usize| frames.get(index).is_some_and(|frame| test.holds(frame, &globs[index]));
        self.own.iter().all(|test| test_at(test, frame))
            && self.caller.as_ref().is_none_or(|test| frame > 0 && test_at(test, frame - 1))
            && self.callee.as_ref().is_none_or(|test| test_at(test, frame + 1))
    }

    fn flag(&self, frame: usize, rule: u32, frames: &mut [Frame<'_>]) {
        for flag in &self.flags {
            match *flag {
                Flag::Category(category) => frames[frame].category = Some(category),
                Flag::App(reach, on) => {
                    for reached in reach.range(frame, frames.len()) {
                        frames[reached].in_app = Some(on);
                        frames[reached].in_app_rule = Some(rule);
                    }
                }
            }
        }
    }
}

impl Test {
    fn holds(&self, frame: &Frame<'_>, globs: &Bits) -> bool {
        let found = match &self.what {
            What::Glob(glob) => globs.contains(*glob),
            What::Category(named) => frame.category.is_some_and(|category| named.contains(category)),
            What::Family(families) => families.contains(&frame.family),
            What::App(on) => frame.in_app.unwrap_or(false) == *on,
            What::Never => false,
        };
        found != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, parse};
    use super::*;
    use serde_json::{Value, json};

    fn in_app(rules: &str, platform: &str, frames: &Value) -> Vec<Option<bool>> {
        let (rules, _) = Rules::default().extended(parse(rules, Origin::Project).unwrap()).unwrap();
        let mut frames: Vec<Frame<'_>> =
            frames.as_array().unwrap().iter().map(|frame| Frame::read(frame.as_object().unwrap(), platform)).collect();
        settle(&rules, None, &mut frames);
        frames.iter().map(|frame| frame.in_app).collect()
    }

    #[test]
    fn later_rules_win_and_reaches_exclude_the_matched_frame() {
        let frames = json!([{"function": "a"}, {"function": "b"}, {"function": "c"}]);
        assert_eq!(in_app("function:* +app\nfunction:b -app", "c", &frames), [Some(true), Some(false), Some(true)]);
        assert_eq!(in_app("function:b ^+app v-app", "c", &frames), [Some(false), None, Some(true)]);
    }

    #[test]
    fn a_rule_sees_all_frames_as_they_were_before_it() {
        let frames = json!([{"function": "s"}, {"function": "s"}, {"function": "s"}]);
        let rules = "function:s category=system\n[category:system] | category:system category=internals\ncategory:internals -app";
        assert_eq!(in_app(rules, "c", &frames), [None, Some(false), Some(false)]);
    }

    #[test]
    fn a_neighbour_outside_the_stack_is_false_even_negated() {
        let frames = json!([{"function": "a"}, {"function": "b"}]);
        assert_eq!(in_app("[!function:x] | function:* +app", "c", &frames), [None, Some(true)]);
        assert_eq!(in_app("function:* | [!function:x] +app", "c", &frames), [Some(true), None]);
    }

    #[test]
    fn absent_fields_and_negation() {
        let frames = json!([{"filename": "x"}]);
        assert_eq!(in_app("!module:foo +app", "c", &frames), [Some(true)]);
        assert_eq!(in_app("module:* +app", "c", &frames), [None]);
        assert_eq!(in_app("function:<unknown> +app", "c", &frames), [Some(true)]);
        assert_eq!(in_app("type:<unknown> +app", "c", &frames), [Some(true)]);
        assert_eq!(in_app("app:no +app", "c", &frames), [Some(true)]);
        assert_eq!(in_app("family:javascript,native +app", "c", &frames), [Some(true)]);
        assert_eq!(in_app("family:other +app", "c", &frames), [None]);
        assert_eq!(in_app("family:all +app", "python", &frames), [Some(true)]);
    }

    #[test]
    fn paths_are_tried_with_a_slash_in_front() {
        let frames = json!([{"abs_path": "usr\\lib\\x.py"}]);
        assert_eq!(in_app("path:/usr/lib/** +app", "python", &frames), [Some(true)]);
    }
}
