//! # Matching user agents with uap-core's rules, in little memory
//!
//! **Promise.** [`parse`] gives what the first matching rule of each kind says.
//!
//! **How.** The 1,270 rules stay text inside the binary. Each names groups of *atoms*, texts of which one of every group stands in everything it
//! matches; a search for atoms leaves a few candidates, and only those patterns are ever compiled. Answers for recent user agents are remembered, because a site's
//! traffic repeats a few hundred of them.
//!
//! **When it breaks.** At most [`CANDIDATES`] patterns are tried for one text, and at most [`COMPILED`] stay compiled, so hostile texts cost
//! bounded time and memory; what is not found is absent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::bytes::{Regex, RegexBuilder};

/// Longer texts are cut: no real one is, and matching is linear in the length.
const MAX_BYTES: usize = 1_024;
/// Patterns tried for one text and kind.
const CANDIDATES: usize = 150;
/// Compiled patterns that are kept. Real traffic uses about a hundred.
const COMPILED: usize = 256;
/// Answers that are remembered.
const REMEMBERED: usize = 1_024;

/// A family and its version (up to three numbers, dotted).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versioned {
    /// `Chrome`, `Windows`.
    pub(super) family: String,
    /// `120.0.0`; empty when unknown.
    pub(super) version: String,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    /// `iPhone`.
    pub(super) family: String,
    /// `Apple`.
    pub(super) brand: Option<String>,
    /// `iPhone`.
    pub(super) model: Option<String>,
}

/// All that a user agent tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Agent {
    /// The browser.
    pub(super) browser: Option<Versioned>,
    /// The operating system.
    pub(super) os: Option<Versioned>,
    /// The device.
    pub(super) device: Option<Device>,
}

struct Rule {
    pattern: &'static str,
    ignore_case: bool,
    replacements: [&'static str; 4],
    atoms: &'static str,
}

struct Rules {
    browsers: Vec<Rule>,
    systems: Vec<Rule>,
    devices: Vec<Rule>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules { browsers: Vec::new(), systems: Vec::new(), devices: Vec::new() };
    for line in include_str!("rules.tsv").lines() {
        let mut columns = line.splitn(8, '\t');
        let mut next = || columns.next().unwrap_or_default();
        let (kind, flags, pattern) = (next(), next(), next());
        let rule = Rule { pattern, ignore_case: flags.contains('i'), replacements: [next(), next(), next(), next()], atoms: next() };
        match kind {
            "u" => rules.browsers.push(rule),
            "o" => rules.systems.push(rule),
            _ => rules.devices.push(rule),
        }
    }
    rules
});

/// A map that forgets what was put in first.
struct Recent<K, V> {
    map: HashMap<K, V>,
    order: VecDeque<K>,
    max: usize,
}

impl<K: Clone + Eq + std::hash::Hash, V: Clone> Recent<K, V> {
    fn new(max: usize) -> Self {
        Self { map: HashMap::new(), order: VecDeque::new(), max }
    }

    fn insert(&mut self, key: K, value: V) {
        if self.map.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
            if self.order.len() > self.max
                && let Some(oldest) = self.order.pop_front()
            {
                self.map.remove(&oldest);
            }
        }
    }
}

static ANSWERS: LazyLock<Mutex<Recent<String, Arc<Agent>>>> = LazyLock::new(|| Mutex::new(Recent::new(REMEMBERED)));
/// Keyed by the address of the pattern's text, which is unique and never moves.
static PATTERNS: LazyLock<Mutex<Recent<usize, Option<Regex>>>> = LazyLock::new(|| Mutex::new(Recent::new(COMPILED)));

/// What a user agent tells.
pub(super) fn parse(text: &str) -> Arc<Agent> {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    if let Some(known) = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).map.get(text) {
        return Arc::clone(known);
    }
    let lower = text.to_ascii_lowercase();
    let agent = Arc::new(Agent {
        browser: first(&RULES.browsers, text, &lower).and_then(|(rule, found)| versioned(rule, &found)),
        os: first(&RULES.systems, text, &lower).and_then(|(rule, found)| versioned(rule, &found)),
        device: first(&RULES.devices, text, &lower).and_then(|(rule, found)| device(rule, &found)),
    });
    ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned(), Arc::clone(&agent));
    agent
}

type Groups = Vec<Option<String>>;

fn first(rules: &'static [Rule], text: &str, lower: &str) -> Option<(&'static Rule, Groups)> {
    let candidates = rules.iter().filter(|rule| may_match(rule, lower)).take(CANDIDATES);
    candidates.into_iter().find_map(|rule| {
        let regex = compiled(rule)?;
        let found = regex.captures(text.as_bytes())?;
        let groups = found.iter().map(|group| group.map(|m| String::from_utf8_lossy(m.as_bytes()).into_owned())).collect();
        Some((rule, groups))
    })
}

fn may_match(rule: &Rule, lower: &str) -> bool {
    let stands = |atom: &str| memchr::memmem::find(lower.as_bytes(), atom.as_bytes()).is_some();
    rule.atoms.is_empty() || rule.atoms.split('\t').all(|group| group.split('¦').any(stands))
}

fn compiled(rule: &'static Rule) -> Option<Regex> {
    let key = rule.pattern.as_ptr() as usize;
    if let Some(known) = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner).map.get(&key) {
        return known.clone();
    }
    // ASCII classes: a tenth of the memory, and the rules mean nothing else.
    let regex = RegexBuilder::new(rule.pattern).unicode(false).case_insensitive(rule.ignore_case).dfa_size_limit(64 << 10).build().ok();
    PATTERNS.lock().unwrap_or_else(PoisonError::into_inner).insert(key, regex.clone());
    regex
}

fn group(groups: &Groups, index: usize) -> Option<&str> {
    groups.get(index)?.as_deref().filter(|text| !text.is_empty())
}

/// A replacement with its `$1` … filled in; without one, the group at `index`.
fn fill(template: &str, groups: &Groups, index: usize) -> Option<String> {
    if template.is_empty() {
        return group(groups, index).map(str::to_owned);
    }
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.as_bytes().first().filter(|b| b.is_ascii_digit()) {
            Some(digit) => {
                out.push_str(group(groups, usize::from(digit - b'0')).unwrap_or_default());
                rest = &rest[1..];
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    let out = out.trim();
    (!out.is_empty()).then(|| out.to_owned())
}

fn versioned(rule: &Rule, groups: &Groups) -> Option<Versioned> {
    let family = fill(rule.replacements[0], groups, 1)?;
    let numbers = (1..4).map_while(|part| fill(rule.replacements[part], groups, part + 1));
    let version = numbers.collect::<Vec<_>>().join(".");
    (family != "Other").then_some(Versioned { family, version })
}

fn device(rule: &Rule, groups: &Groups) -> Option<Device> {
    let [family, brand, model, _] = rule.replacements;
    let family = fill(family, groups, 1)?;
    let brand = if brand.is_empty() { None } else { fill(brand, groups, 0) };
    (family != "Other").then_some(Device { family, brand, model: fill(model, groups, 1) })
}
