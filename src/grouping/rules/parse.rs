//! # The grammar of stack trace rules
//!
//! **Promise.** Text with one rule a line becomes [`Rule`]s, or every problem in it with line and column.
//! **Not here.** Whether a glob is any good (`compile`).

use super::super::cursor::{self, Cursor};
use super::super::rule_error::RuleError;
use super::{Action, Matcher, Origin, Reach, Rule, RuleSource, RuleText, Subject};

/// The names a matcher may have, short forms first, for completion and messages.
pub const MATCHER_NAMES: [&str; 17] = [
    "path",
    "package",
    "module",
    "function",
    "category",
    "family",
    "app",
    "type",
    "value",
    "mechanism",
    "stack.abs_path",
    "stack.package",
    "stack.module",
    "stack.function",
    "error.type",
    "error.value",
    "error.mechanism",
];

/// How actions begin, for completion.
pub const ACTION_NAMES: [&str; 8] = ["+app", "-app", "+group", "-group", "category=", "max-frames=", "min-frames=", "invert-stacktrace="];

/// Reads rules, one a line. Blank lines and lines that start with `#` say nothing.
pub(in super::super) fn parse(text: &str, origin: Origin) -> Result<Vec<Rule>, Vec<RuleError>> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for mut cursor in cursor::lines(text) {
        let source = cursor.source(origin, RuleText::StackTrace);
        match rule(&mut cursor, source) {
            Ok(rule) => rules.push(rule),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

fn rule(cursor: &mut Cursor<'_>, source: RuleSource) -> Result<Rule, RuleError> {
    let mut rule = Rule { source, caller: None, own: Vec::new(), callee: None, actions: Vec::new() };
    if cursor.peek() == Some('[') {
        rule.caller = Some(neighbour(cursor)?);
        if !cursor.eat("|") {
            return Err(cursor.error("a “|” belongs between the caller and the frame"));
        }
        cursor.skip_blanks();
    }
    while !cursor.at_end() && !starts_action(cursor) && cursor.peek() != Some('|') {
        rule.own.push(matcher(cursor, false)?);
        cursor.skip_blanks();
    }
    if rule.own.is_empty() {
        return Err(cursor.error("a matcher such as “function:main” is missing here"));
    }
    if cursor.eat("|") {
        cursor.skip_blanks();
        if cursor.peek() != Some('[') {
            return Err(cursor.error("the callee stands in brackets: “| [function:main]”"));
        }
        rule.callee = Some(neighbour(cursor)?);
    }
    while !cursor.at_end() {
        rule.actions.push(action(cursor)?);
        cursor.skip_blanks();
    }
    if rule.actions.is_empty() {
        return Err(cursor.error("an action such as “+app” or “-group” is missing here"));
    }
    Ok(rule)
}

/// `[matcher]` and the blanks after it.
fn neighbour(cursor: &mut Cursor<'_>) -> Result<Matcher, RuleError> {
    cursor.eat("[");
    cursor.skip_blanks();
    let matcher = matcher(cursor, true)?;
    cursor.skip_blanks();
    if !cursor.eat("]") {
        return Err(cursor.error("a closing “]” is missing here"));
    }
    cursor.skip_blanks();
    Ok(matcher)
}

fn matcher(cursor: &mut Cursor<'_>, bracketed: bool) -> Result<Matcher, RuleError> {
    let negated = cursor.eat("!");
    let column = cursor.column();
    let name = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if !cursor.eat(":") {
        return Err(cursor.error_at(column, "a matcher is written name:argument, an action +app, -group, category=name …"));
    }
    let Some(subject) = subject(name) else {
        return Err(cursor.error_at(column, format!("“{name}” is no matcher; there are {}", MATCHER_NAMES.join(", "))));
    };
    let column = cursor.column();
    let argument = argument(cursor, bracketed)?;
    Ok(Matcher { negated, subject, argument, column })
}

/// A quoted text, or everything up to the next blank (inside brackets: up to the last `]` before it).
fn argument(cursor: &mut Cursor<'_>, bracketed: bool) -> Result<String, RuleError> {
    let column = cursor.column();
    let taken = if cursor.eat("\"") {
        let taken = cursor.take_while(|c| c != '"');
        if !cursor.eat("\"") {
            return Err(cursor.error_at(column, "the quote that opens here is never closed"));
        }
        taken
    } else {
        let run = cursor.take_while(|c| !c.is_whitespace());
        let end = if bracketed { run.rfind(']').unwrap_or(run.len()) } else { run.len() };
        cursor.give_back(run.len() - end);
        if end == 0 {
            return Err(cursor.error_at(column, "an argument is missing here"));
        }
        &run[..end]
    };
    Ok(taken.replace("\\\\", "\\"))
}

fn subject(name: &str) -> Option<Subject> {
    Some(match name {
        "path" | "stack.abs_path" => Subject::Path,
        "package" | "stack.package" => Subject::Package,
        "module" | "stack.module" => Subject::Module,
        "function" | "stack.function" => Subject::Function,
        "category" => Subject::Category,
        "family" => Subject::Family,
        "app" => Subject::App,
        "type" | "error.type" => Subject::ErrorType,
        "value" | "error.value" => Subject::ErrorValue,
        "mechanism" | "error.mechanism" => Subject::Mechanism,
        _ => return None,
    })
}

/// Whether an action is next: a sign, a reach and a sign, or one of the words with `=`.
fn starts_action(cursor: &Cursor<'_>) -> bool {
    let rest = cursor.rest();
    let signed = |text: &str| text.starts_with(['+', '-']);
    signed(rest)
        || rest.starts_with('^')
        || rest.strip_prefix('v').is_some_and(signed)
        || ["max-frames", "min-frames", "invert-stacktrace", "category"]
            .iter()
            .any(|word| rest.strip_prefix(word).is_some_and(|after| after.trim_start().starts_with('=')))
}

fn action(cursor: &mut Cursor<'_>) -> Result<Action, RuleError> {
    if !starts_action(cursor) {
        return Err(cursor.error(
            "an action is +app, -app, +group, -group (with ^ or v before it), category=, max-frames=, min-frames= or invert-stacktrace=",
        ));
    }
    let reach = if cursor.eat("^") {
        Reach::Later
    } else if cursor.rest().starts_with("v+") || cursor.rest().starts_with("v-") {
        cursor.eat("v");
        Reach::Earlier
    } else {
        Reach::Itself
    };
    if cursor.peek() == Some('+') || cursor.peek() == Some('-') {
        let on = cursor.eat("+") || !cursor.eat("-");
        let column = cursor.column();
        return match cursor.take_while(char::is_alphanumeric) {
            "app" => Ok(Action::App(reach, on)),
            "group" => Ok(Action::Group(reach, on)),
            other => Err(cursor.error_at(column, format!("“{other}” is no flag; there are app and group"))),
        };
    }
    setting(cursor, reach)
}

fn setting(cursor: &mut Cursor<'_>, reach: Reach) -> Result<Action, RuleError> {
    let column = cursor.column();
    let name = cursor.take_while(|c| c.is_alphanumeric() || c == '-');
    if reach != Reach::Itself || name.is_empty() {
        return Err(cursor.error_at(column, "after ^ and v comes +app, -app, +group or -group"));
    }
    cursor.skip_blanks();
    cursor.eat("=");
    cursor.skip_blanks();
    let column = cursor.column();
    let value = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    let number = || value.parse().map_err(|_| cursor.error_at(column, format!("“{value}” is no number of frames")));
    match name {
        "max-frames" => Ok(Action::MaxFrames(number()?)),
        "min-frames" => Ok(Action::MinFrames(number()?)),
        "invert-stacktrace" => {
            Ok(Action::Invert(truth(value).ok_or_else(|| cursor.error_at(column, format!("“{value}” is neither yes nor no")))?))
        }
        _ if value.is_empty() => Err(cursor.error_at(column, "the category’s name is missing here")),
        _ => Ok(Action::Category(value.to_owned())),
    }
}

/// The spellings of yes and no that rules know.
pub(in super::super) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "yes" | "true" => Some(true),
        "0" | "no" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Rule {
        parse(line, Origin::Project).unwrap().remove(0)
    }

    fn failure(text: &str) -> (u32, u32) {
        let errors = parse(text, Origin::Project).unwrap_err();
        (errors[0].line, errors[0].column)
    }

    #[test]
    fn every_name_that_completion_offers_is_understood() {
        for name in MATCHER_NAMES {
            assert!(parse(&format!("{name}:x +app"), Origin::Project).is_ok(), "{name}");
        }
        for name in ACTION_NAMES {
            let value = if name.ends_with("-frames=") {
                "3"
            } else if name == "invert-stacktrace=" {
                "1"
            } else if name.ends_with('=') {
                "x"
            } else {
                ""
            };
            assert!(parse(&format!("path:x {name}{value}"), Origin::Project).is_ok(), "{name}");
        }
    }

    #[test]
    fn matchers_take_names_aliases_quotes_and_negation() {
        let rule = one(r#"  !stack.function:"stub Call" path:**/x\\y error.type:A* -app # why"#);
        let parts: Vec<_> = rule.own.iter().map(|m| (m.negated, m.subject, m.argument.as_str())).collect();
        assert_eq!(parts, [(true, Subject::Function, "stub Call"), (false, Subject::Path, r"**/x\y"), (false, Subject::ErrorType, "A*")]);
        assert_eq!(rule.actions, [Action::App(Reach::Itself, false)]);
        assert_eq!(rule.source.text, r#"!stack.function:"stub Call" path:**/x\\y error.type:A* -app # why"#);
    }

    #[test]
    fn neighbours_stand_in_brackets() {
        let rule =
            one("[ !category:system ]| function:?[[]Foo* | [function:[]a]] v-group ^+app category=x.y-z max-frames=3 min-frames = 2");
        assert_eq!(rule.caller.unwrap().argument, "system");
        assert_eq!(rule.own[0].argument, "?[[]Foo*");
        assert_eq!(rule.callee.unwrap().argument, "[]a]");
        assert_eq!(
            rule.actions,
            [
                Action::Group(Reach::Earlier, false),
                Action::App(Reach::Later, true),
                Action::Category("x.y-z".to_owned()),
                Action::MaxFrames(3),
                Action::MinFrames(2)
            ]
        );
    }

    #[test]
    fn a_matcher_may_begin_with_v() {
        let rule = one("value:x invert-stacktrace=yes");
        assert_eq!(rule.own[0].subject, Subject::ErrorValue);
        assert_eq!(rule.actions, [Action::Invert(true)]);
    }

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        assert_eq!(parse("\n  # x\n\nfunction:a +app\n", Origin::Project).unwrap().len(), 1);
        assert_eq!(parse("\u{feff}# x\r\n\r\nfunction:a +app\r\n", Origin::Project).unwrap()[0].source.text, "function:a +app");
        assert_eq!(parse("\u{feff}", Origin::Project), Ok(Vec::new()), "a byte order mark alone");
    }

    #[test]
    fn errors_point_at_line_and_column() {
        let table = [
            ("function:a +app\nfoo:a +app", (2, 1)),
            ("function:a", (1, 11)),
            ("+app", (1, 1)),
            ("function: +app", (1, 10)),
            ("function:\"a +app", (1, 10)),
            ("function:a +apple", (1, 13)),
            ("function:a max-frames=x", (1, 23)),
            ("function:a invert-stacktrace=2", (1, 30)),
            ("function:a | function:b +app", (1, 14)),
            ("[function:a function:b +app", (1, 13)),
            ("[function:a] function:b +app", (1, 14)),
            ("function:a +app function:b", (1, 17)),
            ("function:a ^category=x", (1, 13)),
            ("hello", (1, 1)),
            ("é:x +app", (1, 1)),
            ("\u{feff}function:a +apple", (1, 13)),
            ("function:a +app\r\n\r\nfunction:a +apple\r\n", (3, 13)),
        ];
        for (text, place) in table {
            assert_eq!(failure(text), place, "{text}");
        }
        assert_eq!(parse("x\ny", Origin::Project).unwrap_err().len(), 2, "all problems at once");
    }
}
