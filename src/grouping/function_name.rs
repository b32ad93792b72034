//! # Trimming function names
//!
//! **Promise.** Names from debug symbols lose what changes with types, compilers and builds: arguments, template parameters, hashes, versions
//! (grouping.md 2.4). Names of other platforms stay as they are.
//! **How.** In steps: qualifiers, arguments and generics go by counting brackets; operators and arrows, which would upset the count, are shielded
//! by private characters meanwhile. Then the token that names the function is picked, and compiler suffixes are cut.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::platform::Family;

/// Trims a function name of a frame on this platform.
pub(super) fn trim<'n>(name: &'n str, platform: &str) -> Cow<'n, str> {
    if platform == "csharp" {
        return Cow::Borrowed(name.find(" (").map_or(name, |end| &name[..end]));
    }
    if Family::of(platform) != Family::Native {
        return Cow::Borrowed(name);
    }
    let trimmed = native(name, platform);
    if trimmed == name { Cow::Borrowed(name) } else { Cow::Owned(trimmed) }
}

/// Texts that would upset the counting of brackets, and the private characters that stand for them meanwhile.
const SHIELDS: [(&str, &str); 6] = [
    ("operator<<", "operator\u{e000}\u{e000}"),
    ("operator<", "operator\u{e000}"),
    ("operator()", "operator\u{e001}"),
    ("operator->", "operator\u{e002}"),
    (" -> ", " \u{e003} "),
    ("`anonymous namespace'", "\u{e004}"),
];

/// The private characters and what they stand for.
const SHIELDED: [(char, &str); 5] =
    [('\u{e000}', "<"), ('\u{e001}', "()"), ('\u{e002}', "->"), ('\u{e003}', "->"), ('\u{e004}', "`anonymous namespace'")];

const ARROW: &str = "\u{e003}";

/// Nested generics are followed this deep; deeper ones are left as they are.
const MAX_DEPTH: u8 = 32;

struct Patterns {
    lambda: Regex,
    anonymous_namespace: Regex,
    suffixes: [Regex; 3],
    windows: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        lambda: Regex::new(r"\$_\d+\b|\{lambda\(.*?\)#\d+\}|\blambda_[a-f0-9]{32}\b").ok()?,
        anonymous_namespace: Regex::new(r"\?A0x[a-f0-9]{8}::").ok()?,
        suffixes: [
            Regex::new(r"::h[a-z0-9]{16}\z").ok()?,
            Regex::new(r"@@?GLIBC_[A-Za-z0-9_.]*\z").ok()?,
            Regex::new(r"_m[A-F0-9]{40}\z").ok()?,
        ],
        windows: Regex::new(r"\A@?(.*?)@[0-9]+\z").ok()?,
    })
});

fn native(name: &str, platform: &str) -> String {
    let (Some(patterns), false) = (PATTERNS.as_ref(), matches!(name, "<redacted>" | "<unknown>")) else {
        return name.to_owned();
    };
    let mut text = name.trim();
    if text.starts_with('[') || text.starts_with("+[") || text.starts_with("-[") {
        return text.to_owned();
    }
    let uncloned = without_clones(text);
    text = uncloned.trim_end();
    while let Some(shorter) = without_qualifier(text) {
        text = shorter.trim_end();
    }
    let mut text = text.to_owned();
    for (shielded, shield) in SHIELDS {
        if text.contains(shielded) {
            text = text.replace(shielded, shield);
        }
    }
    if text.contains(['$', '{']) || text.contains("lambda_") {
        text = patterns.lambda.replace_all(&text, "lambda").into_owned();
    }
    if text.contains("?A0x") {
        text = patterns.anonymous_namespace.replace_all(&text, "\u{e004}::").into_owned();
    }
    let text = replace_brackets(&text, ('(', ')'), &mut |inner, _| match inner.trim() {
        kept @ ("anonymous namespace" | "operator") => format!("({kept})"),
        _ => String::new(),
    });
    let text = without_generics(&text, 0);
    let picked = function_token(&text, platform).map(unshield).filter(|token| !token.is_empty());
    let mut picked = picked.unwrap_or_else(|| name.to_owned());
    let [rust_hash, glibc_version, il2cpp_method] = &patterns.suffixes;
    cut(&mut picked, rust_hash);
    if picked.contains('@') {
        cut(&mut picked, glibc_version);
        if let Some(decorated) = patterns.windows.captures(&picked) {
            picked = decorated[1].to_owned();
        }
    }
    cut(&mut picked, il2cpp_method);
    picked
}

/// The name without a trailing `const` or `&`.
fn without_qualifier(name: &str) -> Option<&str> {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    name.strip_suffix('&').or_else(|| name.strip_suffix("const").filter(|rest| !rest.ends_with(is_word)))
}

fn cut(name: &mut String, suffix: &Regex) {
    if let Some(found) = suffix.find(name) {
        name.truncate(found.start());
    }
}

fn unshield(token: String) -> String {
    if !token.contains(|c| SHIELDED.iter().any(|(shield, _)| *shield == c)) {
        return token;
    }
    SHIELDED.iter().fold(token, |token, (shield, text)| token.replace(*shield, text))
}

/// Removes `[clone .isra.0]` and the like; other bracket groups stay.
fn without_clones(name: &str) -> Cow<'_, str> {
    if !name.contains("[clone ") {
        return Cow::Borrowed(name);
    }
    Cow::Owned(replace_brackets(name, ('[', ']'), &mut |inner, _| {
        if inner.starts_with("clone ") { String::new() } else { format!("[{inner}]") }
    }))
}

/// Replaces each outermost bracket group by what `replace` makes of its content and position.
fn replace_brackets(text: &str, (open, close): (char, char), replace: &mut dyn FnMut(&str, usize) -> String) -> String {
    if !text.contains(open) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut start) = (0i32, 0);
    for (index, c) in text.char_indices() {
        if c == open {
            if depth == 0 {
                start = index;
            }
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                out.push_str(&replace(&text[start + 1..index], start));
            }
        } else if depth == 0 {
            out.push(c);
        }
    }
    out
}

/// `Foo<int>` becomes `Foo<T>`; a bracket at the very start is a Rust path, of which the part before ` as ` stays.
fn without_generics(text: &str, nesting: u8) -> String {
    replace_brackets(text, ('<', '>'), &mut |inner, start| {
        if inner == "lambda" {
            return "<lambda>".to_owned();
        }
        if start > 0 {
            return "<T>".to_owned();
        }
        let blanket = inner.as_bytes().first().is_some_and(u8::is_ascii_uppercase) && inner[1..].starts_with(" as ");
        let inner = if blanket { &inner[5..] } else { inner };
        let inner = if nesting < MAX_DEPTH { without_generics(inner, nesting + 1) } else { inner.to_owned() };
        inner.split(" as ").next().unwrap_or_default().to_owned()
    })
}

/// Splits on blanks that stand outside all brackets.
fn tokens(text: &str) -> Vec<String> {
    let (mut tokens, mut token, mut closers, mut start) = (Vec::new(), String::new(), Vec::new(), 0);
    for (index, c) in text.char_indices() {
        let end = index + c.len_utf8();
        let closer = match c {
            '(' => Some(')'),
            '{' => Some('}'),
            '[' => Some(']'),
            '<' => Some('>'),
            _ => None,
        };
        if let Some(closer) = closer {
            if closers.is_empty() {
                start = index;
            }
            closers.push(closer);
        } else if closers.last() == Some(&c) {
            closers.pop();
            if closers.is_empty() {
                token.push_str(&text[start..end]);
            }
        } else if closers.is_empty() {
            if !c.is_whitespace() {
                token.push(c);
            } else if !token.is_empty() {
                tokens.push(std::mem::take(&mut token));
            }
        }
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}

/// Picks what names the function.
fn function_token(text: &str, platform: &str) -> Option<String> {
    let mut tokens = tokens(text);
    if tokens.len() > 1 && tokens.last().is_some_and(|last| last == "<T>") {
        tokens.pop();
        if let Some(last) = tokens.last_mut() {
            last.push_str(" <T>");
        }
    }
    if let Some(initializer) = initializer(&tokens) {
        return Some(initializer);
    }
    let mut token = match tokens.iter().rposition(|token| token == ARROW) {
        Some(arrow) => tokens[..arrow].iter().rev().find(|token| *token != "throws").cloned(),
        None => tokens.last().cloned(),
    }?;
    if matches!(platform, "cocoa" | "swift") {
        if token.starts_with('@') {
            return Some(if text.contains("thunk for ") { "thunk for closure" } else { "closure" }.to_owned());
        }
        if token != "closure" && tokens.iter().any(|token| token == "closure") {
            token = format!("closure in {token}");
        }
    }
    Some(token)
}

/// Swift: `variable initialization expression of static Foo.bar` names the variable.
fn initializer(tokens: &[String]) -> Option<String> {
    let words = ["initialization", "expression", "of"];
    let at = tokens.windows(3).position(|window| window.iter().zip(words).all(|(token, word)| token == word))?;
    let name = tokens[at + 3..].iter().find(|token| *token != "static")?;
    Some(format!("initializer expression of {}", name.strip_prefix(':').unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_names_are_trimmed() {
        let table = [
            ("native", "void Foo<int>::bar(int, char) const", "Foo<T>::bar"),
            ("native", "<Foo as Bar<X>>::baz::h0123456789abcdef", "Foo::baz"),
            ("native", "<T as core::ops::FnOnce<A>>::call_once", "core::ops::FnOnce<T>::call_once"),
            ("swift", "closure #1 in Foo.bar(x:)", "closure in Foo.bar"),
            ("cocoa", "@objc ViewController.foo(_:) -> ()", "ViewController.foo"),
            ("native", "Foo::bar(int)::{lambda(int)#1}::operator()(int) const", "Foo::bar::lambda::operator()"),
            ("native", "memcpy@@GLIBC_2.14", "memcpy"),
            ("native", "foo@GLIBC_2.2.5", "foo"),
            ("native", "foo [clone .isra.0]", "foo"),
            ("cocoa", "partial apply for thunk for @escaping @callee_guaranteed () -> ()", "thunk for closure"),
            ("swift", "implicit closure #2 @escaping @callee_guaranteed () -> ()", "closure"),
            ("native", "-[NSObject foo:(int)bar]", "-[NSObject foo:(int)bar]"),
            ("native", "<redacted>", "<redacted>"),
            ("native", "<unknown>", "<unknown>"),
            ("native", "std::ostream& operator<<(std::ostream&, int)", "operator<<"),
            ("native", "Foo::operator->()", "Foo::operator->"),
            ("native", "void (anonymous namespace)::foo(int)", "(anonymous namespace)::foo"),
            ("native", "`anonymous namespace'::foo(int)", "`anonymous namespace'::foo"),
            ("native", "?A0x1234abcd::foo(int)", "`anonymous namespace'::foo"),
            ("native", "foo<lambda_0123456789abcdef0123456789abcdef>::bar", "foo<lambda>::bar"),
            ("native", "foo::$_12::operator()", "foo::lambda::operator()"),
            ("native", "@foo@12", "foo"),
            ("native", "_foo@8", "_foo"),
            ("native", "Player_Update_mABCDEF0123456789ABCDEF0123456789ABCDEF01", "Player_Update"),
            ("native", "int const& get<int> (x) const &", "get<T>"),
            ("swift", "variable initialization expression of static Foo.bar", "initializer expression of Foo.bar"),
            ("swift", "Foo.bar(_:) throws -> Swift.Int", "Foo.bar"),
            ("native", "log::h0123456789ABCDEF", "log::h0123456789ABCDEF"),
            ("native", "  foo  ", "foo"),
            ("python", "a<b>(c) const", "a<b>(c) const"),
            ("csharp", "Foo.Bar (System.Int32 x)", "Foo.Bar"),
            ("csharp", "Foo.Bar(x)", "Foo.Bar(x)"),
        ];
        for (platform, name, expected) in table {
            assert_eq!(trim(name, platform), expected, "{platform}: {name}");
        }
    }

    #[test]
    fn unbalanced_brackets_are_survived() {
        for name in [">", "<", "((((", "foo<", "foo>", "<<<>>", "a -> ", " -> b", "{", "][", "<é as x>"] {
            let _ = trim(name, "native");
        }
        let deep = "<".repeat(500) + &">".repeat(500);
        let _ = trim(&deep, "native");
    }
}
