//! Rules of the house that a compiler does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use vedette::protocol::limits::LIMITS;

/// The rooms, each of which may use those of the groups before its own, and those before it in its group (DESIGN §3).
const ROOMS: [&[&str]; 10] = [
    &["platform"],
    &["event", "grouping", "protocol"],
    &["config", "web"],
    &["accounts", "projects"],
    &["events", "feedback", "issues"],
    &["alerts"],
    &["digest", "ingest"],
    &["ops", "routes"],
    &["app"],
    &["cli"],
];
/// Computes, and nothing else: no database, no HTTP server, no runtime.
const PURE: [&str; 5] = ["alerts/spikes", "issues/changed/judge", "event", "grouping", "protocol"];
/// Rooms that must not know each other although the order would let them.
const STRANGERS: [(&str, &str); 2] = [("ingest", "digest"), ("digest", "alerts")];
const MAX_LINES: usize = 700;
const SOFT_LINES: usize = 400;
/// Files beyond the soft limit may only shrink; take a file out once it is below.
const RATCHET: [(&str, usize); 2] = [("src/event/meta.rs", 451), ("src/event/scrub/tests.rs", 507)];
/// Expressions that templates may print as they are.
const SAFE: [&str; 0] = [];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below `dir` whose name ends so, with their texts, by path.
fn files(dir: &str, ending: &str) -> BTreeMap<String, String> {
    let (mut found, mut dirs) = (BTreeMap::new(), vec![root().join(dir)]);
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
            } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                // Pictures and dictionaries are no texts.
                found.extend(String::from_utf8(fs::read(&path).unwrap()).ok().map(|text| (name, text)));
            }
        }
    }
    found
}

/// The room of a file below `src`.
fn room(file: &str) -> &str {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// Lines of code, without comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split("//").next().unwrap_or_default())
}

/// The rooms that a file names: `crate::a::…`, and `use crate::{a, b::c}`.
fn named(text: &str) -> BTreeSet<String> {
    let path = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let group = Regex::new(r"\bcrate::\{([^;]*)\}").unwrap();
    let code = code(text).collect::<Vec<_>>().join("\n");
    let mut rooms: BTreeSet<String> = path.captures_iter(&code).map(|found| found[1].to_owned()).collect();
    for found in group.captures_iter(&code) {
        let mut depth = 0;
        let mut name = String::new();
        for character in found[1].chars().chain([',']) {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    let first = std::mem::take(&mut name);
                    rooms.extend(first.trim().split("::").next().filter(|first| !first.is_empty()).map(str::to_owned));
                }
                other if depth == 0 => name.push(other),
                _ => {}
            }
        }
    }
    rooms
}

#[test]
fn rooms_use_only_rooms_before_them() {
    let order: BTreeMap<&str, (usize, usize)> = ROOMS
        .iter()
        .enumerate()
        .flat_map(|(group, rooms)| rooms.iter().enumerate().map(move |(place, room)| (*room, (group, place))))
        .collect();
    let mut wrong = Vec::new();
    for (file, text) in files("src", ".rs") {
        let here = room(&file).to_owned();
        if matches!(here.as_str(), "lib" | "main") {
            continue;
        }
        let Some(place) = order.get(here.as_str()) else { panic!("{file}: which place has the room {here} in DESIGN §3?") };
        for other in named(&text).into_iter().filter(|other| *other != here) {
            let Some(there) = order.get(other.as_str()) else { panic!("{file}: crate::{other} is no room") };
            if there >= place || STRANGERS.contains(&(here.as_str(), other.as_str())) {
                wrong.push(format!("{file}: {here} uses {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_only_compute() {
    let outside = Regex::new(r"\b(sqlx|axum|tokio|lettre|hyper)::|\bcrate::platform::(?:[^ci]|c[^l]|i[^d])").unwrap();
    for pure in PURE {
        for (file, text) in files(&format!("src/{pure}"), ".rs") {
            let found = code(&text).find(|line| outside.is_match(line));
            assert_eq!(found, None, "{file}");
        }
    }
}

#[test]
fn ingest_has_no_sql_and_digest_sends_nothing() {
    for (file, text) in files("src/ingest", ".rs").into_iter().chain(files("src/web", ".rs")) {
        assert!(!code(&text).any(|line| line.contains("sqlx::query")), "{file} has SQL");
    }
    for (file, text) in files("src/digest", ".rs") {
        assert!(!code(&text).any(|line| line.contains("mailer")), "{file} sends");
    }
}

#[test]
fn files_are_small_and_large_ones_only_shrink() {
    let sources = [files("src", ".rs"), files("tests/it", ".rs")].into_iter().flatten();
    let lines: BTreeMap<String, usize> = sources.map(|(file, text)| (file, text.lines().count())).collect();
    for (file, count) in &lines {
        assert!(*count <= MAX_LINES, "{file} has {count} lines: split it");
        let allowed = RATCHET.iter().find(|(known, _)| known == file).map_or(SOFT_LINES, |(_, allowed)| *allowed);
        assert!(*count <= allowed, "{file} has {count} lines, of which {allowed} are allowed: split it");
    }
    for (file, _) in RATCHET {
        assert!(lines.get(file).is_some_and(|count| *count > SOFT_LINES), "{file} is no large file any more: take it out of the list");
    }
}

#[test]
fn templates_escape_everything() {
    let safe = Regex::new(r"\{\{[^}]*\|\s*safe[^}]*\}\}|escape\s*=|autoescape").unwrap();
    let inline = Regex::new(r"(?i)\s(style|on[a-z]+)=").unwrap();
    for (file, text) in files("templates", "") {
        for found in safe.find_iter(&text) {
            assert!(SAFE.contains(&found.as_str()), "{file}: {}", found.as_str());
        }
        let is_mail = file.starts_with("templates/mail/");
        assert!(is_mail || !inline.is_match(&text), "{file}: a style or handler in place, which the policy forbids");
    }
}

#[test]
fn nothing_is_left_for_later_without_a_number() {
    // Written apart, so that this file does not find itself.
    let later = Regex::new(&["(?i)\\b(", "TO", "DO|FIX", "ME|XX", "X)\\b([^\\n]{0,6})"].concat()).unwrap();
    let number = Regex::new(r"^\s*\(?#?i?\d+").unwrap();
    let all = ["src", "tests/it", "migrations", "templates", "docs", "script", "static"];
    for (file, text) in all.into_iter().flat_map(|dir| files(dir, "")) {
        for found in later.captures_iter(&text) {
            let numbered = number.is_match(&found[2]);
            assert!(numbered || found[1] != found[1].to_uppercase(), "{file}: {}", &found[0]);
        }
    }
}

#[test]
fn lints_are_expected_not_allowed() {
    let allow = ["#[al", "low("].concat();
    for (file, text) in files("src", ".rs").into_iter().chain(files("tests/it", ".rs")) {
        assert!(!code(&text).any(|line| line.contains(&allow)), "{file}: use #[expect(…, reason = \"…\")]");
        let ignore = ["#[ig", "nore"].concat();
        assert!(!code(&text).any(|line| line.contains(&ignore)), "{file}: a test that does not run");
    }
}

#[test]
fn every_module_says_what_it_is() {
    for (file, text) in files("src", ".rs").into_iter().chain(files("tests/it", ".rs")) {
        assert!(text.starts_with("//! "), "{file} begins with no `//!`");
    }
    for (file, text) in files("src", "/mod.rs") {
        if file.matches('/').count() == 2 {
            assert!(text.contains("**Promise.**"), "{file}: a room says its promise");
        }
    }
}

#[test]
fn documents_begin_with_their_one_heading() {
    let mut documents = files("docs", ".md");
    for name in ["README.md", "CONTRIBUTING.md"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            documents.insert(name.to_owned(), text);
        }
    }
    for (file, text) in documents {
        assert!(text.starts_with("# "), "{file} begins with no heading");
        let mut in_code = false;
        let headings = text.lines().filter(|line| {
            in_code ^= line.trim_start().starts_with("```");
            !in_code && line.starts_with("# ")
        });
        assert_eq!(headings.count(), 1, "{file}: first-level headings");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]+)(?:#[^)]*)?\)").unwrap();
    let mut documents = files("docs", ".md");
    for name in ["README.md", "CONTRIBUTING.md"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            documents.insert(name.to_owned(), text);
        }
    }
    for (file, text) in documents {
        let dir: PathBuf = root().join(&file).parent().unwrap().to_owned();
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()).filter(|target| !target.contains(':')) {
            assert!(dir.join(&target).exists(), "{file} leads to {target}, which is not there");
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let name = Regex::new(r"VEDETTE_[A-Z_]+|DATABASE_URL").unwrap();
    let manual = fs::read_to_string(root().join("docs/OPERATING.md")).expect("docs/OPERATING.md");
    let settings: BTreeSet<String> = files("src/config", ".rs")
        .values()
        .flat_map(|text| name.find_iter(text).map(|found| found.as_str().to_owned()).collect::<Vec<_>>())
        .collect();
    assert!(settings.len() > 8);
    for setting in settings {
        assert!(manual.contains(&setting), "docs/OPERATING.md does not name {setting}");
    }
    for limit in LIMITS {
        let (default, most) = (limit.unit.words(limit.default), limit.unit.words(limit.most));
        let row = format!("| `{}` | {default} | {most} | {} |", limit.name, limit.about());
        assert!(manual.contains(&row), "docs/OPERATING.md lacks the row {row}");
    }
}

#[test]
fn every_migration_says_why_and_has_its_rows() {
    let rows = files("tests/migrations", ".sql");
    for (file, text) in files("migrations", ".sql") {
        let name = file.trim_start_matches("migrations/").trim_end_matches(".sql");
        assert!(
            text.starts_with(&format!("-- {name}")) || text.contains("-- no-transaction"),
            "{file} begins with no comment that says its name and why"
        );
        assert!(rows.contains_key(&format!("tests/migrations/{name}.sql")), "{file} has no rows in tests/migrations");
    }
}
