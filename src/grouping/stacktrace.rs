//! # One stack trace
//!
//! **Promise.** For frames with settled flags: the `app` and the `system` component, with rules carried out (grouping.md 5).
//! **How.** Each frame's parts are made once and shared; each variant then says which frames count.

use super::component::{Component, Content, Hint};
use super::frame::Frame;
use super::frame_parts;
use super::platform::Family;
use super::rules::GroupPlan;
use super::version::Version;

/// A stack trace with its frames read and the rules applied.
#[derive(Debug)]
pub(super) struct StackTrace<'e> {
    pub(super) frames: Vec<Frame<'e>>,
    pub(super) plan: GroupPlan,
}

/// A component in both variants.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair {
    pub(super) app: Component,
    pub(super) system: Component,
}

/// The stack trace's component in both variants.
pub(super) fn components(trace: &StackTrace<'_>, version: Version) -> Pair {
    let mut frames: Vec<Component> = Vec::with_capacity(trace.frames.len());
    for (index, frame) in trace.frames.iter().enumerate() {
        let mut component = frame_parts::component(frame);
        if index > 0 && frame.repeats(&trace.frames[index - 1]) {
            component.ignore(Hint::Because("a direct repetition of the frame before it"));
        }
        frames.push(component);
    }
    if let ([frame], [component]) = (trace.frames.as_slice(), frames.as_mut_slice())
        && frame.family == Family::Javascript
        && component.contributes
        && frame.function.is_none()
        && frame.is_at_url_or_file() == version.traits().ignores_lone_frame_at_address
    {
        component.ignore(Hint::Because("a single frame without function name says too little"));
    }
    let mut in_app = frames.clone();
    for (index, component) in in_app.iter_mut().enumerate() {
        if !component.contributes {
            continue;
        }
        let rule = trace.plan.flagged_by.get(index).and_then(Option::as_ref);
        let by_rule = |effect| rule.map(|rule| Hint::Rule { effect, rule: rule.clone() });
        if trace.frames[index].in_app == Some(true) {
            component.hint = by_rule("put into the app");
        } else {
            component.ignore(by_rule("taken out of the app").unwrap_or(Hint::Because("not in the app, the SDK says")));
        }
    }
    let app = |index: usize| trace.frames[index].in_app == Some(true);
    Pair { app: carry_out(&trace.plan, in_app, app), system: carry_out(&trace.plan, frames, |_| true) }
}

/// Carries out what the rules say on one variant's frames; `may` names the frames that can count at all.
fn carry_out(plan: &GroupPlan, mut frames: Vec<Component>, may: impl Fn(usize) -> bool) -> Component {
    for edit in &plan.edits {
        let effect = if edit.counts { "made to count" } else { "left out" };
        for index in edit.reach.range(edit.frame, frames.len()) {
            let frame = &mut frames[index];
            if frame.contributes != edit.counts && (may(index) || !edit.counts) {
                frame.contributes = edit.counts;
                frame.hint = Some(Hint::Rule { effect, rule: edit.rule.clone() });
            }
        }
    }
    let mut counting = frames.iter().filter(|frame| frame.contributes).count();
    if plan.max_frames > 0 && counting > plan.max_frames {
        let surplus = counting - plan.max_frames;
        frames.iter_mut().filter(|frame| frame.contributes).take(surplus).for_each(|frame| {
            frame.ignore(Hint::Because("beyond the number of frames that max-frames allows"));
        });
        counting = plan.max_frames;
    }
    if plan.invert {
        frames.reverse();
    }
    let mut component = Component { id: "stacktrace", contributes: counting > 0, hint: None, content: Content::Parts(frames) };
    if counting > 0 && counting < plan.min_frames {
        component.ignore(Hint::Because("fewer frames count than min-frames asks for"));
    }
    component
}

#[cfg(test)]
mod tests {
    use super::super::rules::{Matching, Origin, Rules, parse, settle};
    use super::*;
    use serde_json::{Value, json};

    fn texts(rules: &str, platform: &str, frames: &Value) -> (String, String) {
        texts_in(Version::NEWEST, (rules, platform), frames)
    }

    fn texts_in(version: Version, (rules, platform): (&str, &str), frames: &Value) -> (String, String) {
        let (rules, _) = Rules::default().extended(parse(rules, Origin::Project).unwrap()).unwrap();
        let mut frames: Vec<Frame<'_>> =
            frames.as_array().unwrap().iter().map(|frame| Frame::read(frame.as_object().unwrap(), platform)).collect();
        let plan = settle(&rules, None, &mut frames, &mut Matching::default());
        let pair = components(&StackTrace { frames, plan }, version);
        (pair.app.texts().join(" "), pair.system.texts().join(" "))
    }

    fn pair(app: &str, system: &str) -> (String, String) {
        (app.to_owned(), system.to_owned())
    }

    #[test]
    fn only_frames_of_the_app_count_in_the_app_variant() {
        let frames = json!([{"function": "a", "in_app": true}, {"function": "b"}, {"function": "c", "in_app": true}]);
        assert_eq!(texts("", "go", &frames), pair("a c", "a b c"));
    }

    #[test]
    fn direct_repetition_is_ignored_but_cycles_are_not() {
        let frame = |name: &str, line: u32| json!({"function": name, "lineno": line, "in_app": true});
        let frames = json!([frame("a", 1), frame("a", 1), frame("a", 2), frame("b", 1), frame("a", 2), frame("b", 1)]);
        assert_eq!(texts("", "go", &frames).1, "a a b a b");
    }

    #[test]
    fn group_rules_overwrite_but_cannot_bring_a_frame_into_the_app() {
        let frames = json!([{"function": "a", "in_app": true}, {"function": "a", "in_app": true}, {"function": "b"}]);
        assert_eq!(texts("function:a +group", "go", &frames), pair("a a", "a a b"));
        assert_eq!(texts("function:b +group", "go", &frames), pair("a", "a b"));
        assert_eq!(texts("function:b -group v-group", "go", &frames), pair("", ""));
    }

    #[test]
    fn max_and_min_frames_count_contributing_frames() {
        let frames = json!([{"function": "a"}, {"function": "b"}, {"function": "c"}]);
        assert_eq!(texts("function:* max-frames=2", "go", &frames).1, "b c");
        assert_eq!(texts("function:* max-frames=0", "go", &frames).1, "a b c");
        assert_eq!(texts("function:* min-frames=4", "go", &frames).1, "");
        assert_eq!(texts("function:* max-frames=2 min-frames=3", "go", &frames).1, "");
        assert_eq!(texts("function:none min-frames=4", "go", &frames).1, "a b c");
        assert_eq!(texts("function:* invert-stacktrace=1", "go", &frames).1, "c b a");
    }

    #[test]
    fn a_single_nameless_javascript_frame_counts_only_at_an_address() {
        let frame = |path: &str| json!([{"abs_path": path, "filename": "x.js", "context_line": "a"}]);
        assert_eq!(texts("", "javascript", &frame("x.js")).1, "");
        assert_eq!(texts("", "javascript", &frame("file:///x.js")).1, "x.js");
        let of_2023 = |path| texts_in(Version::V2023_01_11, ("", "javascript"), &frame(path)).1;
        assert_eq!(of_2023("x.js"), "x.js a");
        assert_eq!(of_2023("file:///x.js"), "");
    }
}
