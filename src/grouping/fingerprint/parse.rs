//! # The grammar of fingerprint rules
//!
//! **Promise.** Text with one rule a line, `type:Foo -> bar, {{ default }} title="…"`, becomes rules, or every problem in it with line and column.

use std::sync::Arc;

use super::super::cursor::{self, Cursor};
use super::super::rule_error::RuleError;
use super::super::rules::{Origin, RuleSource, RuleText};
use super::rules::{Key, Matcher, Rule};
use super::{variable, variables};

/// The keys a matcher may have, for completion and messages; `tags.` takes any tag's name.
pub const KEY_NAMES: [&str; 20] = [
    "type",
    "value",
    "message",
    "module",
    "path",
    "package",
    "function",
    "logger",
    "level",
    "tags.",
    "family",
    "app",
    "sdk",
    "release",
    "error.type",
    "error.value",
    "stack.module",
    "stack.abs_path",
    "stack.package",
    "stack.function",
];

/// Reads rules, one a line. Blank lines and lines that start with `#` say nothing.
pub(in super::super) fn parse(text: &str, origin: Origin) -> Result<Vec<Rule>, Vec<RuleError>> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for mut cursor in cursor::lines(text) {
        let source = cursor.source(origin, RuleText::Fingerprint);
        match rule(&mut cursor, source) {
            Ok(rule) => rules.push(rule),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

fn rule(cursor: &mut Cursor<'_>, source: RuleSource) -> Result<Rule, RuleError> {
    let (mut matchers, mut warnings) = (Vec::new(), Vec::new());
    while !cursor.at_end() && !cursor.rest().starts_with("->") {
        matchers.push(matcher(cursor, &mut warnings)?);
        cursor.skip_blanks();
    }
    if matchers.is_empty() {
        return Err(cursor.error("a matcher such as “type:ValueError” is missing here"));
    }
    if !cursor.eat("->") {
        return Err(cursor.error("“->” and the fingerprint are missing here"));
    }
    let (mut fingerprint, mut title) = (Vec::new(), None);
    cursor.skip_blanks();
    while !cursor.at_end() {
        if cursor.eat("title=\"") {
            title = Some(quoted(cursor)?);
        } else {
            let column = cursor.column();
            let entry = value(cursor)?;
            if let Some(name) = variable(&entry).filter(|name| !variables::exists(name)) {
                let known = variables::VARIABLE_NAMES.join(", ");
                warnings.push(
                    cursor
                        .error_at(column, format!("there is no variable “{name}”, so this is the same for all events; there are {known}")),
                );
            }
            fingerprint.push(entry);
        }
        cursor.skip_blanks();
        if cursor.eat(",") {
            cursor.skip_blanks();
        }
    }
    if fingerprint.is_empty() {
        return Err(cursor.error("a fingerprint is missing here; to keep the normal grouping write {{ default }}"));
    }
    Ok(Rule { matchers, fingerprint, title, source: Arc::new(source), warnings })
}

fn matcher(cursor: &mut Cursor<'_>, warnings: &mut Vec<RuleError>) -> Result<Matcher, RuleError> {
    let negated = cursor.eat("!");
    let column = cursor.column();
    let name = if cursor.eat("\"") {
        quoted(cursor)?
    } else {
        cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')).to_owned()
    };
    if !cursor.eat(":") {
        return Err(cursor.error_at(column, "a matcher is written key:argument, and “->” ends the matchers"));
    }
    let Some(key) = Key::named(&name) else {
        let known = KEY_NAMES.join(", ");
        return Err(cursor.error_at(column, format!("“{name}” is no key; there are {known}")));
    };
    let column = cursor.column();
    let argument = if cursor.eat("\"") { quoted(cursor)? } else { cursor.take_while(|c| !c.is_whitespace()).to_owned() };
    if argument.is_empty() {
        return Err(cursor.error_at(column, "an argument is missing here"));
    }
    let matcher = Matcher::new(negated, key, &argument);
    warnings.extend(matcher.useless().map(|problem| cursor.error_at(column, problem)));
    Ok(matcher)
}

/// The rest of a quoted text: `\\` and `\"` stand for themselves, `\n`, `\r` and `\t` for control characters; other escapes are left for the glob.
fn quoted(cursor: &mut Cursor<'_>) -> Result<String, RuleError> {
    let column = cursor.column() - 1;
    let mut text = String::new();
    loop {
        text.push_str(cursor.take_while(|c| c != '"' && c != '\\'));
        if cursor.eat("\"") {
            return Ok(text);
        }
        if !cursor.eat("\\") {
            return Err(cursor.error_at(column, "the quote that opens here is never closed"));
        }
        let escaped = cursor.peek();
        match escaped {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some(c @ ('"' | '\\')) => text.push(c),
            Some(c) => text.extend(['\\', c]),
            None => continue,
        }
        let width = escaped.map_or(0, char::len_utf8);
        cursor.skip(width);
    }
}

/// One entry of the fingerprint.
fn value(cursor: &mut Cursor<'_>) -> Result<String, RuleError> {
    let column = cursor.column();
    if cursor.eat("\"") {
        return quoted(cursor);
    }
    if cursor.eat("{{") {
        let name = cursor.take_while(|c| c != '}').trim();
        if !cursor.eat("}}") || name.is_empty() {
            return Err(cursor.error_at(column, "a variable is written {{ name }}"));
        }
        return Ok(format!("{{{{ {name} }}}}"));
    }
    let run = cursor.take_while(|c| !c.is_whitespace() && c != ',' && c != '{');
    if run.is_empty() { Err(cursor.error_at(column, "this is no value")) } else { Ok(run.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Rule {
        parse(line, Origin::Project).unwrap().remove(0)
    }

    #[test]
    fn values_are_separated_by_commas_or_blanks() {
        let rule = one(
            r#"type:Foo "tags.x:y":z !message:"a \"b\"" -> one, two {{ default }},"three four", x-{{type}} title="T {{ type }}" # why"#,
        );
        assert_eq!(rule.fingerprint, ["one", "two", "{{ default }}", "three four", "x-", "{{ type }}"]);
        assert_eq!(rule.title.as_deref(), Some("T {{ type }}"));
        assert_eq!(rule.matchers.len(), 3);
    }

    #[test]
    fn errors_point_at_line_and_column() {
        let table = [
            ("\nfoo:a -> b", (2, 1)),
            ("type:a", (1, 7)),
            ("type:a ->", (1, 10)),
            ("-> b", (1, 1)),
            ("type:\"a -> b", (1, 6)),
            ("type: -> b", (1, 6)),
            ("type:a -> {{ x", (1, 11)),
            ("type:a -> {x", (1, 11)),
            ("type", (1, 1)),
            ("\u{feff}type:a ->", (1, 10)),
            ("type:a -> b\r\n\r\ntype:a ->\r\n", (3, 10)),
        ];
        for (text, place) in table {
            let errors = parse(text, Origin::Project).unwrap_err();
            assert_eq!((errors[0].line, errors[0].column), place, "{text}: {}", errors[0].message);
        }
    }

    #[test]
    fn a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_a_rule() {
        let rules = parse("\u{feff}type:a -> one\r\n# why\r\ntype:b -> two\r\n", Origin::Project).unwrap();
        let read: Vec<_> = rules.iter().map(|rule| (rule.source.line, rule.source.text.as_str(), rule.fingerprint[0].as_str())).collect();
        assert_eq!(read, [(1, "type:a -> one", "one"), (3, "type:b -> two", "two")]);
        assert!(parse("\u{feff}", Origin::Project).unwrap().is_empty());
    }

    #[test]
    fn what_can_never_match_or_never_differs_is_a_warning() {
        let places = |text| one(text).warnings.iter().map(|warning| warning.column).collect::<Vec<_>>();
        assert_eq!(places("app:maybe type:a -> b"), [5]);
        assert_eq!(places("type:a family:ruby,perl -> b"), [15]);
        assert_eq!(places("type:a -> b, {{ mesage }}, \"{{ release }}\""), [14, 28]);
        assert_eq!(places("app:yes family:ruby,other sdk:x -> {{ default }}, {{tags.x}}, {{ message }}, {{ raw_value }}"), [0; 0]);
    }
}
