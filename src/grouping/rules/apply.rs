//! # Applying stack trace rules
//!
//! **Promise.** Rules run in order, each on all frames at once: first find the frames that match, then change them, so that a rule sees what the
//! rules before it did (grouping.md 3.4).
//! **How.** The pass over flags settles `in_app` and categories. What rules say about grouping depends on the settled flags only, so it is found
//! once, as a [`GroupPlan`], and carried out for each variant by `stacktrace`.
//! What a rule does from several matched frames is done from the farthest ones: a stack costs each rule one pass.
//! **When it breaks.** A stack that a project's rules cannot be afforded for (`effort`) is settled by the built-in rules alone.

use std::iter::Peekable;
use std::slice;
use std::sync::Arc;

use super::super::frame::Frame;
use super::super::shape::{self, Object};
use super::compile::{Bits, Depth, Ready, Rules, Test, What};
use super::field::Matching;
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

/// What it comes to, in steps, that a rule looks at a frame; that an action reaches one.
const PER_LOOK: u64 = 128;
const PER_REACH: u64 = 4;

/// Applies all rules to the frames of one stack trace: sets their `in_app` and category, and returns what the rules say about grouping.
pub(in super::super) fn settle(rules: &Rules, exception: Option<&Object>, frames: &mut [Frame<'_>], matching: &mut Matching) -> GroupPlan {
    let mut depth = rules.whole();
    let has_own = depth != rules.built_in();
    if has_own && !matching.effort.take(texts_steps(rules, exception, frames)) {
        depth = rules.built_in();
    }
    let globs = matched_globs(rules, depth, exception, frames, matching);
    if has_own && !matching.effort.take(PER_LOOK * looks(rules, &globs)) {
        depth = rules.built_in();
    }
    let mut candidates = candidates(rules, depth, &globs);
    if has_own && !matching.effort.take(PER_REACH * reaches(rules, &candidates, frames.len())) {
        depth = rules.built_in();
        candidates.retain(|(rule, _)| *rule < depth.rules);
    }
    let mut hits = Vec::new();
    let mut order = Order::new(rules, depth, &candidates);
    while let Some((rule, filed)) = order.next() {
        let ready = &rules.all[rule as usize];
        if ready.app.is_empty() && ready.category.is_none() {
            continue;
        }
        ready.hits(frames, &globs, filed, &mut hits);
        ready.flag(&hits, rule, frames);
    }
    plan(rules, depth, (frames, &globs), &candidates)
}

fn plan(rules: &Rules, depth: Depth, (frames, globs): (&[Frame<'_>], &[Bits]), candidates: &[(u32, u32)]) -> GroupPlan {
    let flagged_by = |frame: &Frame<'_>| frame.in_app_rule.map(|rule| rules.all[rule as usize].source.clone());
    let mut plan = GroupPlan { flagged_by: frames.iter().map(flagged_by).collect(), ..GroupPlan::default() };
    let mut hits = Vec::new();
    let mut order = Order::new(rules, depth, candidates);
    while let Some((rule, filed)) = order.next() {
        let ready = &rules.all[rule as usize];
        if ready.groups.is_empty() && ready.max_frames.is_none() && ready.min_frames.is_none() && ready.invert.is_none() {
            continue;
        }
        ready.hits(frames, globs, filed, &mut hits);
        for &(reach, counts) in &ready.groups {
            let edit = |&frame: &usize| Edit { frame, reach, counts, rule: ready.source.clone() };
            plan.edits.extend(reach.farthest(&hits).iter().map(edit));
        }
        if !hits.is_empty() {
            plan.max_frames = ready.max_frames.unwrap_or(plan.max_frames);
            plan.min_frames = ready.min_frames.unwrap_or(plan.min_frames);
            plan.invert = ready.invert.unwrap_or(plan.invert);
        }
    }
    plan
}

/// The texts of an exception that rules look at.
fn of_exception(exception: Option<&Object>) -> [(Subject, &str); 3] {
    let field = |key| exception.and_then(|exception| shape::text(exception, key)).unwrap_or("<unknown>");
    let mechanism = exception.and_then(shape::mechanism).and_then(|mechanism| shape::text(mechanism, "type"));
    [(Subject::ErrorType, field("type")), (Subject::ErrorValue, field("value")), (Subject::Mechanism, mechanism.unwrap_or("<unknown>"))]
}

/// The texts of a frame that rules look at.
fn of_frame<'e>(frame: &Frame<'e>) -> [(Subject, Option<&'e str>); 4] {
    [
        (Subject::Path, frame.abs_path.or(frame.filename)),
        (Subject::Package, frame.package),
        (Subject::Module, frame.module),
        (Subject::Function, Some(frame.function.unwrap_or("<unknown>"))),
    ]
}

/// What it may cost to find what a stack's texts match beyond the built-in globs.
fn texts_steps(rules: &Rules, exception: Option<&Object>, frames: &[Frame<'_>]) -> u64 {
    let shared = of_exception(exception).into_iter().map(|(subject, value)| rules.steps(subject, value));
    let fields = frames.iter().flat_map(of_frame);
    shared.chain(fields.filter_map(|(subject, value)| value.map(|value| rules.steps(subject, value)))).sum()
}

/// Which globs each frame matches, its exception's included.
fn matched_globs(rules: &Rules, depth: Depth, exception: Option<&Object>, frames: &[Frame<'_>], matching: &mut Matching) -> Vec<Bits> {
    let mut shared = Bits::default();
    if rules.looks_at_errors() {
        for text in of_exception(exception) {
            rules.find(depth, text, &mut shared, matching);
        }
    }
    // Neighbours often share their module or package, so each field remembers its last text.
    let mut last: [(Option<&str>, Bits); 4] = Default::default();
    let mut bits_of = |frame| {
        let mut bits = shared.clone();
        for ((subject, value), (last_value, last_bits)) in of_frame(frame).into_iter().zip(&mut last) {
            let Some(value) = value else { continue };
            if *last_value != Some(value) {
                *last_bits = Bits::default();
                rules.find(depth, (subject, value), last_bits, matching);
                *last_value = Some(value);
            }
            bits.extend(last_bits);
        }
        bits
    };
    frames.iter().map(&mut bits_of).collect()
}

/// How often a project's own rules look at a frame.
fn looks(rules: &Rules, globs: &[Bits]) -> u64 {
    let own = |filed: &[u32]| (filed.len() - filed.partition_point(|rule| *rule < rules.built_in().rules)) as u64;
    let filed: u64 = globs.iter().flat_map(Bits::iter).map(|glob| own(rules.filed_under(glob))).sum();
    filed + own(&rules.always) * globs.len() as u64
}

/// How many frames the actions of a project's own rules may reach.
fn reaches(rules: &Rules, candidates: &[(u32, u32)], frames: usize) -> u64 {
    let own = &candidates[candidates.partition_point(|(rule, _)| *rule < rules.built_in().rules)..];
    own.chunk_by(|(rule, _), (next, _)| rule == next).count() as u64 * frames as u64
}

/// The rules filed under a glob that a frame matches, with that frame: sorted by rule, then frame.
fn candidates(rules: &Rules, depth: Depth, globs: &[Bits]) -> Vec<(u32, u32)> {
    let mut candidates = Vec::new();
    for (bits, frame) in globs.iter().zip(0u32..) {
        for glob in bits.iter() {
            candidates.extend(rules.filed_under(glob).iter().take_while(|rule| **rule < depth.rules).map(|rule| (*rule, frame)));
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
    fn new(rules: &'r Rules, depth: Depth, filed: Filed<'r>) -> Self {
        let always = &rules.always[..rules.always.partition_point(|rule| *rule < depth.rules)];
        Self { always: always.iter().peekable(), filed }
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

    fn flag(&self, hits: &[usize], rule: u32, frames: &mut [Frame<'_>]) {
        if let Some(category) = self.category {
            for &hit in hits {
                frames[hit].category = Some(category);
            }
        }
        for &(reach, on) in &self.app {
            for &hit in reach.farthest(hits) {
                for reached in reach.range(hit, frames.len()) {
                    frames[reached].in_app = Some(on);
                    frames[reached].in_app_rule = Some(rule);
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
        settle(&rules, None, &mut frames, &mut Matching::default());
        frames.iter().map(|frame| frame.in_app).collect()
    }

    #[test]
    fn later_rules_win_and_reaches_exclude_the_matched_frame() {
        let frames = json!([{"function": "a"}, {"function": "b"}, {"function": "c"}]);
        assert_eq!(in_app("function:* +app\nfunction:b -app", "c", &frames), [Some(true), Some(false), Some(true)]);
        assert_eq!(in_app("function:b ^+app v-app", "c", &frames), [Some(false), None, Some(true)]);
    }

    #[test]
    fn the_last_of_several_matched_frames_has_the_last_word() {
        let frames = json!([{"function": "a"}, {"function": "m"}, {"function": "b"}, {"function": "m"}, {"function": "c"}]);
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(in_app("function:m ^+app v-app", "c", &frames), [no, no, no, yes, yes]);
        assert_eq!(in_app("function:m +app ^-app", "c", &frames), [None, yes, no, yes, no]);
        assert_eq!(in_app("function:m +app v-app", "c", &frames), [no, no, no, yes, None]);
        assert_eq!(in_app("function:m ^-app -app +app ^+app", "c", &frames), [None, yes, yes, yes, yes]);
    }

    #[test]
    fn beyond_what_an_event_may_cost_stacks_are_settled_by_the_built_in_rules_alone() {
        let built_in = parse("function:a -app", Origin::BuiltIn).unwrap();
        let own: String = (0..1_500).map(|i| format!("path:**/a*a*a*a*/{i} -app\n")).chain(["function:* +app".to_owned()]).collect();
        let (rules, _) = Rules::default().extended(built_in).unwrap().0.extended(parse(&own, Origin::Project).unwrap()).unwrap();
        let frames = json!([{"function": "a"}, {"function": "b", "abs_path": format!("/{}", "a".repeat(100_000))}]);
        let mut matching = Matching::default();
        let mut settled = || {
            let mut frames: Vec<Frame<'_>> =
                frames.as_array().unwrap().iter().map(|frame| Frame::read(frame.as_object().unwrap(), "c")).collect();
            settle(&rules, None, &mut frames, &mut matching);
            frames.iter().map(|frame| frame.in_app).collect::<Vec<_>>()
        };
        let stacks: Vec<_> = (0..8).map(|_| settled()).collect();
        let (first, last) = (&stacks[0], &stacks[7]);
        assert_eq!(first, &[Some(true), Some(true)], "affordable");
        assert_eq!(last, &[Some(false), None], "no more");
        let turn = stacks.partition_point(|stack| stack == first);
        assert!(stacks[turn..].iter().all(|stack| stack == last), "what is used up stays so: {stacks:?}");
    }

    #[test]
    fn an_automaton_that_gives_up_changes_nothing() {
        // Every combination of letters seen is a state of its own.
        let own: String =
            ('a'..='z').flat_map(|c| ('a'..='z').map(move |d| format!("function:*{c}{d}*{d}{c}* category={c}{d}\n"))).collect();
        let (rules, _) = Rules::default().extended(parse(&own, Origin::Project).unwrap()).unwrap();
        let mut seed = 7u32;
        let mut letter = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + (seed >> 16) as u8 % 26)
        };
        let texts: Vec<String> = (0..20).map(|_| (0..2_000).map(|_| letter()).collect()).collect();
        let mut matching = Matching::default();
        for text in &texts {
            let (mut found, mut expected) = (Bits::default(), Bits::default());
            rules.find(rules.whole(), (Subject::Function, text), &mut found, &mut matching);
            for (c, d) in ('a'..='z').flat_map(|c| ('a'..='z').map(move |d| (c, d))) {
                let (first, second) = (format!("{c}{d}"), format!("{d}{c}"));
                if text.find(&first).is_some_and(|at| text[at + 2..].contains(&second)) {
                    expected.insert((c as u32 - 97) * 26 + d as u32 - 97);
                }
            }
            assert_eq!(found, expected);
        }
        assert!(matching.gave_up(), "or this test tests nothing");
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
