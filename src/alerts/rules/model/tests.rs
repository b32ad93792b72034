//! When rules match.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn seen() -> Seen {
    Seen {
        level: Level::Error,
        environment: "production".to_owned(),
        release: "shop@2.1.0".to_owned(),
        tags: vec![("browser".to_owned(), "Safari 17".to_owned()), ("tier".to_owned(), "gold".to_owned())],
        title: "PaymentDeclined: card 42".to_owned(),
        message: "card 42".to_owned(),
        events: 120,
        users: 7,
        age: 90,
    }
}

fn spike() -> Circumstances {
    Circumstances { kind: Some(FactKind::Spike), issue: Some(seen()) }
}

fn patterns(all: &[&str]) -> Vec<Pattern> {
    all.iter().copied().map(pattern).collect()
}

fn pattern(text: &str) -> Pattern {
    Pattern(text.to_owned())
}

fn is(test: Test) -> Condition {
    Condition { not: false, test }
}

fn rule(all: bool, groups: Vec<Group>) -> Definition {
    Definition { all, groups, ..Definition::default() }
}

fn all_of(conditions: Vec<Condition>) -> Group {
    Group { all: true, conditions }
}

fn any_of(conditions: Vec<Condition>) -> Group {
    Group { all: false, conditions }
}

#[test]
fn each_condition_looks_at_its_own_thing() {
    for (test, holds) in [
        (Test::Fact(vec![FactKind::NewIssue, FactKind::Spike]), true),
        (Test::Fact(vec![FactKind::NewIssue]), false),
        (Test::Level(vec![Level::Fatal, Level::Error]), true),
        (Test::Level(vec![Level::Fatal]), false),
        (Test::LevelAtLeast(Level::Warning), true),
        (Test::LevelAtLeast(Level::Error), true),
        (Test::LevelAtLeast(Level::Fatal), false),
        (Test::Environment(patterns(&["staging", "prod*"])), true),
        (Test::Environment(patterns(&["staging"])), false),
        (Test::Release(patterns(&["shop@2.*"])), true),
        (Test::Release(patterns(&["shop@3.*"])), false),
        (Test::Tag("browser".to_owned(), pattern("safari*")), true),
        (Test::Tag("browser".to_owned(), pattern("gold")), false),
        (Test::Tag("os".to_owned(), pattern("*")), false),
        (Test::Title(pattern("paymentdeclined*")), true),
        (Test::Title(pattern("card 42")), false),
        (Test::Message(pattern("card ??")), true),
        (Test::Message(pattern("card")), false),
        (Test::Events(120), true),
        (Test::Events(121), false),
        (Test::Users(7), true),
        (Test::Users(8), false),
        (Test::Age(90), true),
        (Test::Age(91), false),
    ] {
        assert_eq!(is(test.clone()).holds(&spike()), holds, "{test:?}");
        assert_eq!(Condition { not: true, test: test.clone() }.holds(&spike()), !holds, "not {test:?}");
        let of_project = Circumstances { kind: Some(FactKind::LimitReached), issue: None };
        if !matches!(test, Test::Fact(_)) {
            for not in [false, true] {
                assert!(!Condition { not, test: test.clone() }.holds(&of_project), "{test:?} says nothing about a limit");
            }
        }
    }
    let unknown = Circumstances { kind: None, ..spike() };
    assert!(!is(Test::Fact(FactKind::ALL.to_vec())).holds(&unknown));
}

#[test]
fn groups_make_and_of_or_and_or_of_and() {
    let (yes, no) = (|| is(Test::Events(1)), || is(Test::Events(1000)));
    for (definition, matches) in [
        (rule(true, vec![]), true),
        (rule(false, vec![]), true),
        (rule(true, vec![all_of(vec![]), any_of(vec![])]), true),
        (rule(true, vec![all_of(vec![yes(), yes()])]), true),
        (rule(true, vec![all_of(vec![yes(), no()])]), false),
        (rule(true, vec![any_of(vec![no(), yes()])]), true),
        (rule(true, vec![any_of(vec![no(), no()])]), false),
        (rule(true, vec![any_of(vec![no(), yes()]), all_of(vec![yes()])]), true),
        (rule(true, vec![any_of(vec![no(), yes()]), all_of(vec![no()])]), false),
        (rule(false, vec![all_of(vec![yes(), no()]), all_of(vec![yes(), yes()])]), true),
        (rule(false, vec![all_of(vec![yes(), no()]), any_of(vec![no()])]), false),
    ] {
        assert_eq!(definition.matches(&spike()), matches, "{definition:?}");
    }
}

#[test]
fn only_what_is_asked_for_is_read() {
    let asks = |test: Test| {
        let definition = rule(true, vec![all_of(vec![is(test)])]);
        (definition.asks_for_issue(), definition.asks_for_event())
    };
    assert_eq!(asks(Test::Fact(vec![FactKind::Spike])), (false, false));
    assert_eq!(asks(Test::Title(pattern("x"))), (true, false));
    assert_eq!(asks(Test::Events(3)), (true, false));
    assert_eq!(asks(Test::LevelAtLeast(Level::Error)), (true, true));
    assert_eq!(asks(Test::Tag("a".to_owned(), pattern("x"))), (true, true));
}

#[test]
fn rules_are_stored_so_that_people_can_read_them() {
    let definition = Definition {
        all: true,
        groups: vec![any_of(vec![
            is(Test::Fact(vec![FactKind::NewIssue])),
            Condition { not: true, test: Test::Tag("tier".to_owned(), pattern("gold")) },
            is(Test::LevelAtLeast(Level::Error)),
        ])],
        actions: vec![Action::Everybody, Action::Member(UserId(7))],
        minutes: 60,
    };
    let stored = serde_json::to_value(&definition).unwrap();
    assert_eq!(
        stored,
        json!({
            "all": true,
            "groups": [{"all": false, "conditions": [
                {"not": false, "test": {"fact": ["new_issue"]}},
                {"not": true, "test": {"tag": ["tier", "gold"]}},
                {"not": false, "test": {"level_at_least": "error"}},
            ]}],
            "actions": ["everybody", {"member": 7}],
            "minutes": 60,
        })
    );
    assert_eq!(serde_json::from_value::<Definition>(stored).unwrap(), definition);
}

fn test() -> impl Strategy<Value = Test> {
    prop_oneof![
        (1..200_i64).prop_map(Test::Events),
        (1..20_i64).prop_map(Test::Users),
        "[a-p*]{0,4}".prop_map(|text| Test::Environment(vec![Pattern(text)])),
        Just(Test::LevelAtLeast(Level::Fatal)),
        Just(Test::Fact(vec![FactKind::Spike])),
    ]
}

fn definition() -> impl Strategy<Value = Definition> {
    let condition = (any::<bool>(), test()).prop_map(|(not, test)| Condition { not, test });
    let group = (any::<bool>(), prop::collection::vec(condition, 0..4)).prop_map(|(all, conditions)| Group { all, conditions });
    (any::<bool>(), prop::collection::vec(group, 0..4)).prop_map(|(all, groups)| rule(all, groups))
}

proptest! {
    #[test]
    fn what_is_turned_around_matches_just_when_it_did_not(definition in definition(), events in 0..300_i64) {
        let issue = Seen { events, ..seen() };
        let fact = Circumstances { kind: Some(FactKind::Spike), issue: Some(issue) };
        // Of nothing both ways are true.
        prop_assume!(!definition.groups.is_empty() && definition.groups.iter().all(|group| !group.conditions.is_empty()));
        let turned = Definition {
            all: !definition.all,
            groups: definition.groups.iter().map(|group| Group {
                all: !group.all,
                conditions: group.conditions.iter().map(|one| Condition { not: !one.not, test: one.test.clone() }).collect(),
            }).collect(),
            ..definition.clone()
        };
        prop_assert_ne!(definition.matches(&fact), turned.matches(&fact));
    }

    #[test]
    fn what_is_not_asked_for_changes_nothing(definition in definition(), other in "[a-p]{0,6}", title in "[a-p]{0,6}") {
        let fact = spike();
        let unread = Circumstances {
            issue: Some(Seen { environment: other.clone(), release: other.clone(), message: other, tags: Vec::new(), level: Level::Debug, ..seen() }),
            ..fact.clone()
        };
        if !definition.asks_for_event() {
            prop_assert_eq!(definition.matches(&fact), definition.matches(&unread));
        }
        if !definition.asks_for_issue() {
            prop_assert_eq!(definition.matches(&fact), definition.matches(&Circumstances { issue: Some(Seen { title, ..seen() }), ..fact }));
        }
    }
}
