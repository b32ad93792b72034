//! # Exception groups
//!
//! **Promise.** Of a tree of exceptions, those that tell errors apart: groups are replaced by their members, equal members counted once
//! (grouping.md 7.1), and the exception that names the whole (7.2).
//! **When it breaks.** A tree that is none (missing, doubled or circular ids) means: all exceptions count.

use std::collections::HashMap;

use serde_json::Value;

use super::exception::Single;
use super::shape::{self, Object};
use super::version::Version;

/// The exceptions that count, by index and in hash order, and the one that gives the title (`None`: the last).
#[derive(Debug, PartialEq)]
pub(super) struct Selection {
    pub(super) exceptions: Vec<usize>,
    pub(super) main: Option<usize>,
}

/// Chooses among the exceptions of an event.
pub(super) fn select((event, version): (&Object, Version), exceptions: &[&Object], components: &[Option<Single>]) -> Selection {
    let all = || Selection { exceptions: (0..exceptions.len()).collect(), main: None };
    let mut selection = if exceptions.len() < 2 || (version.traits().lists_python_3_groups && is_exempt(event)) {
        all()
    } else {
        Tree::read(exceptions).and_then(|tree| tree.select(exceptions, components)).unwrap_or_else(all)
    };
    if let Some(main) = title_override(exceptions, &selection.exceptions) {
        selection.main = Some(main);
    }
    selection
}

/// The Python SDK of version 3 sends groups in another way.
fn is_exempt(event: &Object) -> bool {
    let version = shape::object(event, "sdk").and_then(|sdk| shape::text(sdk, "version"));
    shape::platform(event) == "python" && version.is_some_and(|version| version.starts_with('3'))
}

fn number(exception: &Object, key: &str) -> Option<i64> {
    shape::mechanism(exception)?.get(key)?.as_i64()
}

#[derive(Debug, Default)]
struct Node {
    exception: Option<usize>,
    children: Vec<usize>,
}

/// Groups may be nested this deep; a deeper tree is as good as endless.
const MAX_NESTING: usize = 100;

struct Tree {
    nodes: HashMap<i64, Node>,
}

impl Tree {
    /// Reads the tree, last exception first; `None` when ids are missing, doubled or an exception is its own parent.
    fn read(exceptions: &[&Object]) -> Option<Self> {
        let mut nodes: HashMap<i64, Node> = HashMap::new();
        for (index, exception) in exceptions.iter().enumerate().rev() {
            let id = number(exception, "exception_id")?;
            let node = nodes.entry(id).or_default();
            if node.exception.replace(index).is_some() {
                return None;
            }
            if let Some(parent) = number(exception, "parent_id") {
                if parent == id {
                    return None;
                }
                nodes.entry(parent).or_default().children.push(index);
            }
        }
        Some(Self { nodes })
    }

    fn children(&self, exception: &Object) -> &[usize] {
        number(exception, "exception_id").and_then(|id| self.nodes.get(&id)).map_or(&[], |node| &node.children)
    }

    fn select(&self, exceptions: &[&Object], components: &[Option<Single>]) -> Option<Selection> {
        let root = self.nodes.get(&0)?.exception?;
        let mut top = Vec::new();
        self.top_level(root, exceptions, MAX_NESTING, &mut top)?;
        if top.is_empty() {
            return None;
        }
        top.sort_by_key(|index| std::cmp::Reverse(shape::text(exceptions[*index], "type").unwrap_or_default()));
        let mut distinct: Vec<usize> = Vec::new();
        let mut previous = None;
        for index in top {
            if previous.is_none_or(|previous: usize| components[previous] != components[index]) {
                distinct.push(index);
            }
            previous = Some(index);
        }
        if let [main] = distinct[..] {
            return Some(Selection { exceptions: self.first_path(main, exceptions), main: Some(main) });
        }
        if !distinct.contains(&root) {
            distinct.push(root);
        }
        Some(Selection { exceptions: distinct, main: None })
    }

    /// Collects what stands at the top once groups are replaced by their members; `None` when the tree is endless.
    fn top_level(&self, index: usize, exceptions: &[&Object], depth: usize, top: &mut Vec<usize>) -> Option<()> {
        let exception = exceptions.get(index)?;
        let is_group = shape::mechanism(exception).and_then(|mechanism| mechanism.get("is_exception_group")) == Some(&Value::Bool(true));
        if !is_group {
            top.push(index);
            return Some(());
        }
        let depth = depth.checked_sub(1)?;
        self.children(exception).iter().try_for_each(|child| self.top_level(*child, exceptions, depth, top))
    }

    /// The exception and its line of first children.
    fn first_path(&self, main: usize, exceptions: &[&Object]) -> Vec<usize> {
        let next = |index: &usize| self.children(exceptions[*index]).first().copied();
        std::iter::successors(Some(main), next).take(exceptions.len()).collect()
    }
}

const REACT_RECOVERED: [&str; 2] = [
    "There was an error during concurrent rendering but React was able to recover by instead synchronously rendering the entire root.",
    "There was an error while hydrating but React was able to recover by instead client rendering from the nearest Suspense boundary.",
];

const RX_JAVA_WRAPPERS: [&str; 3] = ["OnErrorNotImplementedException", "CompositeException", "UndeliverableException"];

/// Wrappers that say nothing give the title to what they wrap.
fn title_override(exceptions: &[&Object], chosen: &[usize]) -> Option<usize> {
    let (first, last) = (*chosen.first()?, *chosen.last()?);
    if first == last {
        return None;
    }
    let is = |index: usize, key: &str, value: &str| shape::text(exceptions[index], key) == Some(value);
    let mechanism = |index: usize, key| shape::mechanism(exceptions[index]).and_then(|mechanism| shape::text(mechanism, key));
    if is(first, "type", "Error")
        && REACT_RECOVERED.iter().any(|message| is(first, "value", message))
        && mechanism(last, "source") == Some("cause")
    {
        return Some(last);
    }
    let wraps = |index: &usize| {
        is(*index, "module", "io.reactivex.rxjava3.exceptions")
            && RX_JAVA_WRAPPERS.iter().any(|wrapper| is(*index, "type", wrapper))
            && mechanism(*index, "type") == Some("UncaughtExceptionHandler")
    };
    let wrapper = chosen.iter().copied().find(wraps)?;
    let id = number(exceptions[wrapper], "exception_id")?;
    chosen.iter().copied().find(|index| number(exceptions[*index], "parent_id") == Some(id))
}

#[cfg(test)]
mod tests {
    use super::super::exception;
    use super::super::traces::Traces;
    use super::*;
    use serde_json::json;

    fn error(kind: &str, value: &str, mechanism: &Value) -> Value {
        json!({"type": kind, "value": value, "mechanism": mechanism})
    }

    fn texts(exceptions: &Value, extra: &Value) -> (String, Option<usize>) {
        texts_in(Version::NEWEST, exceptions, extra)
    }

    fn texts_in(version: Version, exceptions: &Value, extra: &Value) -> (String, Option<usize>) {
        let mut event = json!({"exception": {"values": exceptions}});
        event.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let event = event.as_object().unwrap();
        let outcome = exception::components(event, &Traces::read(event, version));
        (outcome.app.unwrap().texts().join(" "), outcome.main)
    }

    fn group(id: i64) -> Value {
        json!({"exception_id": id, "is_exception_group": true})
    }

    fn member(id: i64, parent: i64) -> Value {
        json!({"exception_id": id, "parent_id": parent})
    }

    #[test]
    fn equal_members_count_once_and_name_the_group() {
        let list = json!([error("E", "no 2", &member(2, 0)), error("E", "no 1", &member(1, 0)), error("G", "g", &group(0))]);
        assert_eq!(texts(&list, &json!({})), ("E no <int>".to_owned(), Some(1)));
        let python = json!({"platform": "python", "sdk": {"version": "3.1"}});
        assert_eq!(texts(&list, &python).0, "E no <int> E no <int> G g");
        assert_eq!(texts_in(Version::V2023_01_11, &list, &python).0, "E no <int>", "no exemption yet");
    }

    #[test]
    fn different_members_count_with_the_root_by_type() {
        let list = json!([error("A", "a", &member(2, 0)), error("B", "b", &member(1, 0)), error("G", "g", &group(0))]);
        assert_eq!(texts(&list, &json!({})), ("B b A a G g".to_owned(), None));
    }

    #[test]
    fn no_tree_means_all_count() {
        let table = [
            json!([error("A", "a", &member(1, 0)), error("G", "g", &json!({}))]),
            json!([error("A", "a", &member(0, 0)), error("G", "g", &group(0))]),
            json!([error("A", "a", &member(2, 2)), error("G", "g", &group(0))]),
            json!([error("A", "a", &member(3, 2)), error("G", "g", &group(2))]),
            json!([
                error("A", "a", &json!({"exception_id": 1, "parent_id": 0, "is_exception_group": true})),
                error("G", "g", &json!({"exception_id": 0, "parent_id": 1, "is_exception_group": true}))
            ]),
        ];
        for list in table {
            assert_eq!(texts(&list, &json!({})), ("A a G g".to_owned(), None), "{list}");
        }
    }

    #[test]
    fn wrappers_give_the_title_to_what_they_wrap() {
        let cause = json!({"exception_id": 1, "parent_id": 0, "source": "cause"});
        let list = json!([error("TypeError", "x", &cause), error("Error", REACT_RECOVERED[0], &json!({"exception_id": 0}))]);
        assert_eq!(texts(&list, &json!({})).1, Some(0));
        let mut wrapper = error("CompositeException", "x", &json!({"exception_id": 0, "type": "UncaughtExceptionHandler"}));
        wrapper["module"] = json!("io.reactivex.rxjava3.exceptions");
        let list = json!([error("Real", "x", &member(1, 0)), wrapper]);
        assert_eq!(texts(&list, &json!({})).1, Some(0));
    }
}
