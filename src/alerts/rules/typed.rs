//! Conditions as people type and read them.

use super::decide::span;
use super::kinds::FactKind;
use super::model::{Condition, Definition, Group, Test};
use super::pattern::Pattern;
use crate::issues::model::Level;

/// Characters of a value.
pub(super) const MAX_VALUE: usize = 200;
const IS: &str = "is";
const IS_NOT: &str = "is_not";
const LEAST: &str = "least";
const LESS: &str = "less";

/// A row of the form: what is looked at, how it is compared, with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypedCondition {
    pub(super) subject: &'static str,
    pub(super) op: &'static str,
    pub(super) value: String,
}

/// Reads a row; what is wrong with it otherwise.
pub(super) fn read(subject: &str, op: &str, value: &str) -> Result<Condition, String> {
    let value = value.trim();
    if value.chars().count() > MAX_VALUE {
        return Err(format!("A value has at most {MAX_VALUE} characters."));
    }
    let is_count = matches!(subject, "events" | "users" | "age");
    let fits = match op {
        IS | IS_NOT => !is_count,
        LEAST | LESS => is_count || subject == "level",
        _ => false,
    };
    if !fits {
        let ops = if is_count { "“at least” and “less than”" } else { "“is” and “is not”" };
        return Err(format!("This is compared by {ops} only."));
    }
    let test = match subject {
        "fact" => Test::Fact(list(value, |word| {
            FactKind::parse(word).ok_or_else(|| unknown(word, FactKind::ALL.map(FactKind::words).as_slice()))
        })?),
        "level" => level(op, value)?,
        "environment" => Test::Environment(list(value, |word| Ok(Pattern(word.to_owned())))?),
        "release" => Test::Release(list(value, |word| Ok(Pattern(word.to_owned())))?),
        "tag" => {
            let (key, pattern) = value.split_once('=').ok_or("A tag is typed as key=value, such as browser=Safari*.")?;
            Test::Tag(key.trim().to_owned(), Pattern(pattern.trim().to_owned()))
        }
        "title" => Test::Title(Pattern(value.to_owned())),
        "message" => Test::Message(Pattern(value.to_owned())),
        "events" => Test::Events(count(value)?),
        "users" => Test::Users(count(value)?),
        "age" => Test::Age(minutes(value)?),
        _ => return Err("There is no such condition.".to_owned()),
    };
    Ok(Condition { not: matches!(op, IS_NOT | LESS), test })
}

fn level(op: &str, value: &str) -> Result<Test, String> {
    let one = |word: &str| Level::parse(&word.to_lowercase()).ok_or_else(|| unknown(word, Level::ALL.map(Level::as_str).as_slice()));
    Ok(if matches!(op, LEAST | LESS) { Test::LevelAtLeast(one(value)?) } else { Test::Level(list(value, one)?) })
}

fn list<T>(value: &str, one: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let list: Vec<T> = value.split(',').map(str::trim).filter(|word| !word.is_empty()).map(one).collect::<Result<_, _>>()?;
    if list.is_empty() { Err("There is nothing between the commas.".to_owned()) } else { Ok(list) }
}

fn unknown(word: &str, known: &[&str]) -> String {
    format!("“{word}” is none of: {}.", known.join(", "))
}

fn count(value: &str) -> Result<i64, String> {
    let number = value.replace([',', '_', ' '], "").parse::<u32>().ok().filter(|number| *number > 0);
    number.map(i64::from).ok_or_else(|| format!("“{value}” is no number above 0."))
}

/// "30 min", "2 hours", "3d".
fn minutes(value: &str) -> Result<i64, String> {
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let unit = match unit.trim().to_lowercase().as_str() {
        "m" | "min" | "minute" | "minutes" => Some(1),
        "h" | "hour" | "hours" => Some(60),
        "d" | "day" | "days" => Some(1_440),
        "w" | "week" | "weeks" => Some(10_080),
        _ => None,
    };
    let minutes = number.parse::<u16>().ok().filter(|number| *number > 0).zip(unit).map(|(number, unit)| i64::from(number) * unit);
    minutes.ok_or_else(|| format!("“{value}” is no age such as 30 minutes, 2 hours or 3 days."))
}

/// As the form shows it.
pub(super) fn print(condition: &Condition) -> TypedCondition {
    let is = if condition.not { IS_NOT } else { IS };
    let least = if condition.not { LESS } else { LEAST };
    let (subject, op, value) = match &condition.test {
        Test::Fact(kinds) => ("fact", is, kinds.iter().map(|kind| kind.words()).collect::<Vec<_>>().join(", ")),
        Test::Level(levels) => ("level", is, levels.iter().map(|level| level.as_str()).collect::<Vec<_>>().join(", ")),
        Test::LevelAtLeast(level) => ("level", least, level.as_str().to_owned()),
        Test::Environment(patterns) => ("environment", is, joined(patterns)),
        Test::Release(patterns) => ("release", is, joined(patterns)),
        Test::Tag(key, pattern) => ("tag", is, format!("{key}={}", pattern.0)),
        Test::Title(pattern) => ("title", is, pattern.0.clone()),
        Test::Message(pattern) => ("message", is, pattern.0.clone()),
        Test::Events(number) => ("events", least, number.to_string()),
        Test::Users(number) => ("users", least, number.to_string()),
        Test::Age(minutes) => ("age", least, typed_span(*minutes)),
    };
    TypedCondition { subject, op, value }
}

fn joined(patterns: &[Pattern]) -> String {
    patterns.iter().map(|pattern| pattern.0.as_str()).collect::<Vec<_>>().join(", ")
}

/// "2 hours": [`minutes`] reads it.
fn typed_span(minutes: i64) -> String {
    let words = span(minutes);
    words.strip_prefix("an ").or_else(|| words.strip_prefix("a ")).map(|unit| format!("1 {unit}")).unwrap_or(words)
}

/// "environment is prod*, staging", "seen at least 100 times".
fn words(condition: &Condition) -> String {
    let TypedCondition { subject, op, value } = print(condition);
    let least = if op == LESS { "less than" } else { "at least" };
    match subject {
        "events" => format!("seen {least} {value} times"),
        "users" => format!("{least} {value} users affected"),
        "age" => format!("first seen {least} {value} before"),
        _ => {
            let is = match op {
                IS_NOT => "is not",
                LEAST => "is at least",
                LESS => "is less than",
                _ => "is",
            };
            format!("{subject} {is} {value}")
        }
    }
}

/// "level is fatal or environment is prod*", in brackets where several groups have several conditions.
pub(super) fn all_words(definition: &Definition) -> String {
    let groups: Vec<&Group> = definition.groups.iter().filter(|group| !group.conditions.is_empty()).collect();
    let group_words = |group: &&Group| {
        let joined = group.conditions.iter().map(words).collect::<Vec<_>>().join(if group.all { " and " } else { " or " });
        if groups.len() > 1 && group.conditions.len() > 1 { format!("({joined})") } else { joined }
    };
    groups.iter().map(group_words).collect::<Vec<_>>().join(if definition.all { " and " } else { " or " })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_read_as_people_mean_them() {
        let not = |test| Condition { not: true, test };
        let is = |test| Condition { not: false, test };
        for (subject, op, value, read_as) in [
            ("fact", "is", "New issue, spike", is(Test::Fact(vec![FactKind::NewIssue, FactKind::Spike]))),
            ("fact", "is_not", "limit_reached", not(Test::Fact(vec![FactKind::LimitReached]))),
            ("level", "least", "Warning", is(Test::LevelAtLeast(Level::Warning))),
            ("level", "less", "error", not(Test::LevelAtLeast(Level::Error))),
            ("level", "is", "fatal", is(Test::Level(vec![Level::Fatal]))),
            ("tag", "is", "url = /a?b=c*", is(Test::Tag("url".to_owned(), Pattern("/a?b=c*".to_owned())))),
            ("title", "is_not", "Timeout, again*", not(Test::Title(Pattern("Timeout, again*".to_owned())))),
            ("events", "least", "1,000", is(Test::Events(1000))),
            ("users", "less", "5", not(Test::Users(5))),
            ("age", "least", "3d", is(Test::Age(4_320))),
            ("age", "less", "90 Minutes", not(Test::Age(90))),
        ] {
            assert_eq!(read(subject, op, value), Ok(read_as), "{subject} {op} {value}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let long = "x".repeat(MAX_VALUE + 1);
        for (subject, op, value, wrong) in [
            ("fact", "is", "issue", "“issue” is none of: new issue, regression, spike, spike over, ignored no more, feedback,"),
            ("fact", "least", "spike", "“is” and “is not”"),
            ("level", "least", "bad", "“bad” is none of: fatal, error, warning, info, debug."),
            ("tag", "is", "browser", "key=value"),
            ("events", "is", "3", "“at least” and “less than”"),
            ("events", "least", "-3", "“-3” is no number"),
            ("users", "least", "99999999999999999999", "is no number"),
            ("age", "least", "2 moons", "“2 moons” is no age"),
            ("age", "least", "99999999 weeks", "is no age"),
            ("weather", "is", "fine", "no such condition"),
            ("title", "is", &long, "at most 200 characters"),
        ] {
            let error = read(subject, op, value).unwrap_err();
            assert!(error.contains(wrong), "{subject} {op} {value}: {error}");
        }
    }

    #[test]
    fn rules_are_read_at_a_glance() {
        let row = |subject, op, value| read(subject, op, value).unwrap();
        let group = |all, conditions| Group { all, conditions };
        let rule = |all, groups| all_words(&Definition { all, groups, ..Definition::default() });
        let (spike, fatal) = (|| row("fact", "is", "spike"), || row("level", "is", "fatal"));
        assert_eq!(rule(true, vec![]), "");
        assert_eq!(
            rule(true, vec![group(true, vec![spike(), row("age", "less", "1 week")])]),
            "fact is spike and first seen less than 1 week before"
        );
        assert_eq!(
            rule(
                false,
                vec![group(true, vec![spike(), row("environment", "is", "prod*,live")]), group(true, vec![]), group(true, vec![fatal()])]
            ),
            "(fact is spike and environment is prod*, live) or level is fatal"
        );
    }

    fn condition() -> impl Strategy<Value = Condition> {
        let pattern = || "[a-z*? .:_-]{0,8}[a-z*]".prop_map(|text| Pattern(text.trim().to_owned()));
        let patterns = move || prop::collection::vec(pattern(), 1..4);
        let level = || prop::sample::select(Level::ALL.to_vec());
        let test = prop_oneof![
            prop::collection::vec(prop::sample::select(FactKind::ALL.to_vec()), 1..4).prop_map(Test::Fact),
            prop::collection::vec(level(), 1..4).prop_map(Test::Level),
            level().prop_map(Test::LevelAtLeast),
            patterns().prop_map(Test::Environment),
            patterns().prop_map(Test::Release),
            ("[a-z.]{1,8}", pattern()).prop_map(|(key, pattern)| Test::Tag(key, pattern)),
            pattern().prop_map(Test::Title),
            pattern().prop_map(Test::Message),
            (1..1_000_000_i64).prop_map(Test::Events),
            (1..1_000_000_i64).prop_map(Test::Users),
            (1..60_000_i64).prop_map(Test::Age),
        ];
        (any::<bool>(), test).prop_map(|(not, test)| Condition { not, test })
    }

    proptest! {
        #[test]
        fn what_the_form_shows_is_read_as_what_it_was(condition in condition()) {
            let typed = print(&condition);
            prop_assert_eq!(read(typed.subject, typed.op, &typed.value), Ok(condition));
        }

        #[test]
        fn no_text_is_too_much(
            subject in "fact|level|environment|release|tag|title|message|events|users|age|.*",
            op in "is|is_not|least|less|.*",
            value in ".*",
        ) {
            let _ = read(&subject, &op, &value);
        }
    }
}
