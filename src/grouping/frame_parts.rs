//! # What one frame contributes
//!
//! **Promise.** Module, else file name; function; in some languages the source line: cleaned of what changes from build to build (grouping.md 4).
//! Line numbers, columns and addresses never count.
//! **Not here.** Whether a frame counts beside the others (`stacktrace`).

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::component::{Component, Hint};
use super::frame::Frame;
use super::platform::Family;

/// A source line longer than this is generated code.
const MAX_CONTEXT_LINE: usize = 120;

/// The component of a frame, before rules and neighbours have a say.
pub(super) fn component(frame: &Frame<'_>) -> Component {
    let mut parts = Vec::with_capacity(4);
    let module = module(frame);
    let module_counts = module.as_ref().is_some_and(|module| module.contributes);
    parts.extend(module);
    parts.extend(filename(frame, module_counts));
    let context_line = context_line(frame);
    let context_counts = context_line.as_ref().is_some_and(|line| line.contributes);
    parts.extend(function(frame, context_counts));
    parts.extend(context_line);
    let mut component = Component::branch("frame", parts);
    if let Some(reason) = veto(frame) {
        component.ignore(Hint::Because(reason));
    }
    component
}

/// Why a frame does not count whatever is in it.
fn veto(frame: &Frame<'_>) -> Option<&'static str> {
    if frame.family != Family::Javascript {
        return None;
    }
    if frame.function == Some("eval") {
        return Some("eval is no place in the code");
    }
    let nowhere = ["[native code]", "native code", "eval code", "<anonymous>"];
    frame.abs_path.filter(|path| nowhere.contains(path)).map(|_| "code without a file")
}

fn module(frame: &Frame<'_>) -> Option<Component> {
    let module = frame.module?;
    let is_path = frame.platform == "javascript" && module.contains('/') && frame.abs_path.is_some_and(|path| path.ends_with(module));
    if is_path {
        return Some(Component::leaf("module", module).ignored("a path, not a module"));
    }
    if frame.platform != "java" {
        return Some(Component::leaf("module", module));
    }
    if module.contains("$$Lambda$") {
        return Some(Component::leaf("module", module).ignored("a generated lambda"));
    }
    Some(match java_module(module) {
        Cow::Borrowed(_) => Component::leaf("module", module),
        Cow::Owned(cleaned) => Component::leaf("module", cleaned).noted("generated parts left out"),
    })
}

/// What generators leave in the names of Java classes, and what stands instead.
static JAVA_GENERATED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let table = [
        (r"\b((?:sun|jdk\.internal)\.reflect\.GeneratedMethodAccessor)\d+", "$1"),
        (r"\b(sun\.reflect\.Generated(?:Serialization)?ConstructorAccessor)\d+", "$1<auto>"),
        (r"(\$\$\w+?CGLIB\$\$)[a-fA-F0-9]+(?:_\d+)?", "$1<auto>"),
        (r"(\$\$_javassist)(?:_seam)?(?:_\d+)?", "$1<auto>"),
        (r"(\$fn__)\d+", "$1<auto>"),
        (r"(\$\$?EnhancerBy\w+?\$?\$)[a-fA-F0-9]+(?:_\d+)?", "$1<auto>"),
        (r"(\$\$?FastClassBy\w+?\$?\$)[a-fA-F0-9]+(?:_\d+)?", "$1<auto>"),
        (r"(\$\$?HibernateProxy\$?\$)\w+", "$1<auto>"),
    ];
    table.into_iter().filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead))).collect()
});

fn java_module(module: &str) -> Cow<'_, str> {
    if !module.contains('$') && !module.contains("reflect.Generated") {
        return Cow::Borrowed(module);
    }
    clean(module, &JAVA_GENERATED)
}

fn clean<'t>(text: &'t str, table: &[(Regex, &str)]) -> Cow<'t, str> {
    table.iter().fold(Cow::Borrowed(text), |text, (generated, instead)| match generated.replace_all(&text, *instead) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    })
}

fn filename(frame: &Frame<'_>, module_counts: bool) -> Option<Component> {
    let filename = frame.filename?;
    let base = filename.rsplit(['/', '\\']).next().unwrap_or(filename).to_lowercase();
    let nowhere = ["<anonymous>", "[native code]"].contains(&filename);
    let base = if frame.platform == "java" && base.contains("$$_javassist") { clean(&base, &JAVA_GENERATED).into_owned() } else { base };
    let leaf = Component::leaf("filename", base);
    Some(if module_counts {
        leaf.ignored("the module says more")
    } else if frame.is_at_url() {
        leaf.ignored("part of an address, which changes from release to release")
    } else if nowhere {
        leaf.ignored("code without a file")
    } else {
        leaf
    })
}

/// The suffix ERB gives to the methods it generates from templates.
static ERB_SUFFIX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"__[0-9]{4,}_[0-9]{4,}\z").ok());

fn function(frame: &Frame<'_>, context_counts: bool) -> Option<Component> {
    let trimmed = frame.function.or(frame.raw_function)?;
    let name = if frame.platform == "csharp" { frame.raw_function.unwrap_or(trimmed) } else { trimmed };
    let leaf = |name: &str| Component::leaf("function", name);
    Some(match frame.platform {
        "ruby" => ruby_function(name),
        "php" => php_function(name),
        "java" if name.starts_with("lambda$") => leaf(name).ignored("a generated lambda"),
        _ if frame.family == Family::Native && matches!(name, "<redacted>" | "<unknown>") => leaf(name).ignored("an unknown function"),
        _ if frame.family == Family::Javascript => javascript_function(frame, name, context_counts),
        _ => leaf(name),
    })
}

fn ruby_function(name: &str) -> Component {
    if name.starts_with("block ") {
        return Component::leaf("function", "block").noted("a block, wherever it is");
    }
    match ERB_SUFFIX.as_ref().map(|suffix| suffix.replace(name, "")) {
        Some(Cow::Owned(cleaned)) => Component::leaf("function", cleaned).noted("generated suffix left out"),
        _ => Component::leaf("function", name),
    }
}

fn php_function(name: &str) -> Component {
    if name.starts_with("class@anonymous")
        && let Some((_, method)) = name.rsplit_once("::")
        && !method.is_empty()
    {
        return Component::leaf("function", method).noted("a method of an anonymous class");
    }
    let leaf = Component::leaf("function", name);
    if name.starts_with("[Anonymous") || name.starts_with("class@anonymous\0") { leaf.ignored("an anonymous function") } else { leaf }
}

fn javascript_function(frame: &Frame<'_>, name: &str, context_counts: bool) -> Component {
    let last = name.rsplit('.').next().unwrap_or(name);
    let leaf = Component::leaf("function", last);
    let anonymous = matches!(last, "?" | "<anonymous>" | "<anonymous function>" | "Anonymous function" | "") || last.ends_with("/<");
    if anonymous {
        leaf.ignored("an anonymous function")
    } else if frame.from_source_map && context_counts {
        leaf.ignored("the original source line says more")
    } else if last.len() < name.len() {
        leaf.noted("the last part of the name")
    } else {
        leaf
    }
}

fn context_line(frame: &Frame<'_>) -> Option<Component> {
    if !matches!(frame.platform, "javascript" | "node" | "python" | "php" | "ruby") {
        return None;
    }
    let raw = frame.context_line?;
    let mut line = String::with_capacity(raw.len().min(4 * MAX_CONTEXT_LINE));
    for word in raw.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() {
        return None;
    }
    let leaf = Component::leaf("context_line", line);
    Some(if raw.chars().nth(MAX_CONTEXT_LINE).is_some() {
        leaf.ignored("too long for a line people wrote")
    } else if frame.family == Family::Javascript && frame.function.is_none() && frame.is_at_url_or_file() {
        leaf.ignored("a line without function at an address may be anything")
    } else {
        leaf
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn texts(platform: &str, frame: &Value) -> String {
        component(&Frame::read(frame.as_object().unwrap(), platform)).texts().join(" | ")
    }

    #[test]
    fn module_beats_file_name() {
        assert_eq!(texts("python", &json!({"module": "a.b", "filename": "a/b.py", "function": "f"})), "a.b | f");
        assert_eq!(texts("python", &json!({"filename": "a/B.py", "function": "f"})), "b.py | f");
        assert_eq!(texts("csharp", &json!({"filename": "C:\\x\\Y.cs"})), "y.cs");
    }

    #[test]
    fn generated_java_names_lose_what_is_generated() {
        let table = [
            ("a.B$$EnhancerByGuice$$ae46b1bf", "a.B$$EnhancerByGuice$$<auto>"),
            (
                "a.B$$EnhancerBySpringCGLIB$$1ebdddb0$$FastClassBySpringCGLIB$$6c0b35d1",
                "a.B$$EnhancerBySpringCGLIB$$<auto>$$FastClassBySpringCGLIB$$<auto>",
            ),
            ("sun.reflect.GeneratedMethodAccessor12", "sun.reflect.GeneratedMethodAccessor"),
            ("jdk.internal.reflect.GeneratedMethodAccessor12", "jdk.internal.reflect.GeneratedMethodAccessor"),
            ("sun.reflect.GeneratedSerializationConstructorAccessor9", "sun.reflect.GeneratedSerializationConstructorAccessor<auto>"),
            ("a.E_$$_javassist_seam_74", "a.E_$$_javassist<auto>"),
            ("a.core$fn__1234", "a.core$fn__<auto>"),
            ("a.User$HibernateProxy$kCVx8bbY", "a.User$HibernateProxy$<auto>"),
            ("a.B$Inner", "a.B$Inner"),
            ("a.B$$Lambda$40/1673859467", ""),
        ];
        for (module, expected) in table {
            assert_eq!(texts("java", &json!({"module": module})), expected, "{module}");
        }
    }

    #[test]
    fn addresses_and_missing_files_do_not_count() {
        assert_eq!(texts("javascript", &json!({"abs_path": "https://a.b/c.js", "filename": "/c.js", "function": "f"})), "f");
        assert_eq!(texts("javascript", &json!({"abs_path": "file:///c.js", "filename": "/c.js", "function": "f"})), "c.js | f");
        assert_eq!(texts("javascript", &json!({"abs_path": "[native code]", "function": "f"})), "");
        assert_eq!(texts("javascript", &json!({"abs_path": "https://a.b/x/y.js", "module": "x/y.js", "function": "f"})), "f");
        assert_eq!(texts("node", &json!({"filename": "a.js", "function": "eval"})), "");
    }

    #[test]
    fn function_names_follow_the_language() {
        let table = [
            ("ruby", "block (2 levels) in x", "block"),
            ("ruby", "_app_views_x_html_erb__1234_56789", "_app_views_x_html_erb"),
            ("php", "[Anonymous function]", ""),
            ("php", "class@anonymous\0/x.php:3$0::run", "run"),
            ("php", "class@anonymous\0/x.php", ""),
            ("java", "lambda$main$0", ""),
            ("native", "<redacted>", ""),
            ("javascript", "Foo.bar.baz", "baz"),
            ("javascript", "e.<anonymous>", ""),
            ("javascript", "foo/<", ""),
            ("go", "Foo.bar", "Foo.bar"),
        ];
        for (platform, function, expected) in table {
            assert_eq!(texts(platform, &json!({"function": function})), expected, "{platform} {function:?}");
        }
        assert_eq!(texts("csharp", &json!({"function": "Run", "raw_function": "Run (int x)"})), "Run (int x)");
    }

    #[test]
    fn source_lines_count_in_some_languages() {
        let frame = json!({"function": "f", "context_line": "  x  =\t1 "});
        assert_eq!(texts("python", &frame), "f | x = 1");
        assert_eq!(texts("java", &frame), "f");
        let long = json!({"function": "f", "context_line": "x".repeat(121)});
        assert_eq!(texts("python", &long), "f");
        assert_eq!(texts("python", &json!({"context_line": "   "})), "");
        assert_eq!(texts("javascript", &json!({"abs_path": "file:///a.js", "context_line": "x"})), "a.js");
        let mapped = json!({"function": "f", "context_line": "x", "data": {"sourcemap": "a.js.map"}});
        assert_eq!(texts("javascript", &mapped), "x");
    }
}
