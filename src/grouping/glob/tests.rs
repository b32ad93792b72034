//! Globs against tables, and against regular expressions.

use super::super::globs::Globs;
use super::*;
use regex::Regex;

/// Both ways of matching, which must agree.
fn stack_matches(kind: Kind, pattern: &str, text: &str) -> bool {
    let stack = stack(pattern, kind).unwrap();
    let found = Regex::new(&stack.regex()).unwrap().is_match(text);
    let ways = stack.ways().unwrap();
    assert_eq!(Globs::new(ways.iter().map(|way| (0, way.as_slice()))).is_match(text), found, "{pattern} on {text:?}");
    found
}

#[test]
fn lockstep_matches_what_the_regular_expression_matches() {
    let patterns = [
        "a",
        "*",
        "**",
        "?",
        "a*b",
        "*a*b*",
        "**/a",
        "a/**",
        "a/**/b",
        "**/a*a*/b",
        "**/**/a",
        "a/**/**",
        "x{**/a,b}/c",
        "{**/a,b/**}",
        "{,a}b",
        "{}",
        "a{}b",
        "[a-c]*[!a]",
        "[k]s",
        "[^k]",
        "K*[s-t]",
        "é?",
        "[à-ü]x",
        "a\nb",
        "**a",
        "a**",
        "a**/b",
        "*/?",
        "{a,{b,/}}*",
        "{a/**/b,a}/**",
    ];
    let alphabet = ['a', 'b', '/', 'k', '\u{212a}', 's', 'ſ', 'É', 'x', '\n'];
    let mut texts: Vec<String> = vec![String::new()];
    for length in 0..4 {
        let longest: Vec<String> = texts.iter().filter(|text| text.chars().count() == length).cloned().collect();
        texts.extend(longest.iter().flat_map(|text| alphabet.iter().map(move |next| format!("{text}{next}"))));
    }
    for pattern in patterns {
        for kind in [Kind::Plain, Kind::Path] {
            let stack = stack(pattern, kind).unwrap();
            let (regex, ways) = (Regex::new(&stack.regex()).unwrap(), stack.ways().unwrap());
            let globs = Globs::new(ways.iter().map(|way| (0, way.as_slice())));
            for text in &texts {
                assert_eq!(globs.is_match(text), regex.is_match(text), "{kind:?} {pattern:?} on {text:?}");
            }
        }
    }
}

#[test]
fn braces_that_make_too_many_ways_have_none() {
    assert!(stack(&"{a,b}".repeat(9), Kind::Plain).unwrap().ways().is_some());
    assert!(stack(&"{a,b}".repeat(10), Kind::Plain).unwrap().ways().is_none());
    assert!(stack(&"{a,b}".repeat(10_000), Kind::Plain).unwrap().ways().is_none());
}

#[test]
fn plain_globs_match_whole_names_in_exact_case() {
    let table = [
        ("foo*", "foobar", true),
        ("foo", "foobar", false),
        ("Foo*", "foobar", false),
        ("*foo*", "a\nfoo", false),
        ("f?o", "föo", true),
        ("f?o", "fo", false),
        ("[abc]x", "bx", true),
        ("[!abc]x", "bx", false),
        ("[a-c]x", "bx", true),
        ("[]]x", "]x", true),
        ("?[[]Sentry*", "-[SentryHub capture]", true),
        ("{a,bc}d", "bcd", true),
        ("{a,bc}d", "abd", false),
        (r"*::\{dtor\}", "Foo::{dtor}", true),
        (r"-\[NS*", "-[NSObject x]", true),
        ("a.b", "axb", false),
        ("java.*", "java.util.List", true),
        ("a*b", "a/x/b", true),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(stack_matches(Kind::Plain, pattern, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn path_globs_stop_at_slashes_and_ignore_case() {
    let table = [
        ("**/node_modules/**", "/app/node_modules/x/y.js", true),
        ("**/node_modules/**", "node_modules/x.js", true),
        ("**/node_modules/**", "my_node_modules/x.js", false),
        ("/usr/lib/**", "/USR/LIB/x.so", true),
        ("/usr/*", "/usr/lib/x", false),
        ("/usr/?ib", "/usr//ib", false),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("**.app/Contents/**", "/Applications/My.app/Contents/MacOS/My", false),
        ("**.app/Contents/**", "My.app/Contents/MacOS/My", true),
        ("C:\\Windows\\**", "c:/windows/system32/x.dll", true),
        ("**", "any/thing", true),
        ("libobjc*", "libobjc.A.dylib", true),
        ("lib*", "lib/x", false),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(stack_matches(Kind::Path, pattern, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn a_glob_that_cannot_be_read_is_an_error() {
    for bad in ["[abc", "{a,b", "a}", "x\\", "[z-a]", &"{".repeat(40)] {
        assert!(stack(bad, Kind::Plain).is_err(), "{bad}");
    }
}

#[test]
fn fingerprint_globs_match_line_breaks_and_escapes() {
    let table = [
        (Kind::Plain, true, "*LOVE*", "what\nis love", true),
        (Kind::Plain, false, "*LOVE*", "is love", false),
        (Kind::Plain, false, r"\{\[\*\?\]\}", "{[*?]}", true),
        (Kind::Plain, false, "{a,b}", "a", false),
        (Kind::Plain, false, "[", "[", true),
        (Kind::Plain, false, "[0-9]x", "3x", true),
        (Kind::Path, true, "**/x/*.py", "/a/x/b.py", true),
        (Kind::Path, true, "/x/*.py", "/x/y/b.py", false),
        (Kind::Path, true, "2.*", "2.1", true),
    ];
    for (kind, any_case, pattern, text, expected) in table {
        let globs = Globs::new([(0, fingerprint(pattern, kind, any_case).as_slice())]);
        assert_eq!(globs.is_match(text), expected, "{pattern} on {text:?}");
    }
}
