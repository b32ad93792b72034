//! # Fingerprint rules made ready
//!
//! **Promise.** Rules from text or from a configuration's JSON, with their globs compiled once.

use std::sync::Arc;

use serde_json::Value;

use super::super::effort::Effort;
use super::super::glob::{self, Kind};
use super::super::globs::Globs;
use super::super::platform::Family;
use super::super::rule_error::RuleError;
use super::super::rules::{Origin, RuleSource, RuleText};

/// What a look at a value comes to, in steps.
const PER_LOOK: u64 = 32;

/// What a matcher looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Message,
    ErrorType,
    ErrorValue,
    Path,
    Package,
    Module,
    Function,
    App,
    Logger,
    Level,
    Tag(String),
    Sdk,
    Family,
    Release,
}

/// Where matchers look; those of one place must hold for the same item there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Family,
    Sdk,
    Release,
    Event,
    Tags,
    Message,
    Exception,
    Frame,
}

impl Place {
    /// All places, the cheapest to look at first.
    pub(super) const ALL: [Self; 8] =
        [Self::Family, Self::Sdk, Self::Release, Self::Event, Self::Tags, Self::Message, Self::Exception, Self::Frame];
}

impl Key {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "message" => Self::Message,
            "type" | "error.type" => Self::ErrorType,
            "value" | "error.value" => Self::ErrorValue,
            "path" | "stack.abs_path" => Self::Path,
            "package" | "stack.package" => Self::Package,
            "module" | "stack.module" => Self::Module,
            "function" | "stack.function" => Self::Function,
            "app" => Self::App,
            "logger" => Self::Logger,
            "level" => Self::Level,
            "sdk" => Self::Sdk,
            "family" => Self::Family,
            "release" => Self::Release,
            other => Self::Tag(other.strip_prefix("tags.").filter(|tag| !tag.is_empty())?.to_owned()),
        })
    }

    pub(super) fn place(&self) -> Place {
        match self {
            Self::Message => Place::Message,
            Self::ErrorType | Self::ErrorValue => Place::Exception,
            Self::Path | Self::Package | Self::Module | Self::Function | Self::App => Place::Frame,
            Self::Logger | Self::Level => Place::Event,
            Self::Tag(_) => Place::Tags,
            Self::Sdk => Place::Sdk,
            Self::Family => Place::Family,
            Self::Release => Place::Release,
        }
    }
}

/// A condition made ready.
#[derive(Debug, Clone)]
pub(in super::super) struct Matcher {
    pub(super) negated: bool,
    pub(super) key: Key,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Glob(Globs),
    Path(Globs),
    OneOf(Vec<String>),
    Flag(Option<bool>),
}

impl Matcher {
    pub(super) fn new(negated: bool, key: Key, argument: &str) -> Self {
        let glob = |kind, any_case| Globs::new([(0, glob::fingerprint(argument, kind, any_case).as_slice())]);
        let test = match key {
            Key::Path | Key::Package | Key::Release => Test::Path(glob(Kind::Path, true)),
            Key::Message | Key::ErrorValue | Key::Level => Test::Glob(glob(Kind::Plain, true)),
            Key::ErrorType | Key::Module | Key::Function | Key::Logger | Key::Tag(_) => Test::Glob(glob(Kind::Plain, false)),
            Key::Sdk | Key::Family => Test::OneOf(argument.split(',').map(|name| name.trim().to_owned()).collect()),
            Key::App => Test::Flag(super::super::rules::truth(argument)),
        };
        Self { negated, key, test }
    }

    /// Why the condition can never hold. It is accepted all the same, as in Sentry.
    pub(super) fn useless(&self) -> Option<&'static str> {
        match &self.test {
            Test::Flag(None) => Some("this is neither yes nor no: this matcher never matches"),
            Test::OneOf(names) if self.key == Key::Family && !names.iter().any(|name| name == "all" || Family::named(name).is_some()) => {
                Some("no such family, there are native, javascript, other and all: this matcher never matches")
            }
            _ => None,
        }
    }

    /// Whether the condition holds for a value. What is absent matches nothing. When the effort is spent, the answer means nothing.
    pub(super) fn holds(&self, value: Option<&str>, effort: &Effort) -> bool {
        let value = value.map(|value| self.stripped(value));
        if !effort.take(self.steps(value)) {
            return false;
        }
        let found = value.is_some_and(|value| match &self.test {
            Test::Glob(globs) => globs.is_match(value),
            Test::Path(globs) => {
                let value = value.replace('\\', "/");
                globs.is_match(&value) || globs.is_match(&format!("/{value}"))
            }
            Test::OneOf(names) => names.iter().any(|name| name == value || name == "all"),
            Test::Flag(flag) => flag.is_some_and(|flag| value == if flag { "yes" } else { "no" }),
        });
        found != self.negated
    }

    fn steps(&self, value: Option<&str>) -> u64 {
        let test = value.map_or(0, |value| match &self.test {
            Test::Glob(globs) => globs.steps(value),
            Test::Path(globs) => 2 * globs.steps(value),
            Test::OneOf(names) => names.len() as u64,
            Test::Flag(_) => 1,
        });
        PER_LOOK + test
    }

    fn stripped<'v>(&self, value: &'v str) -> &'v str {
        if matches!(self.key, Key::Message | Key::ErrorValue | Key::Tag(_) | Key::Release) { value.trim() } else { value }
    }
}

/// A fingerprint rule made ready.
#[derive(Debug, Clone)]
pub(in super::super) struct Rule {
    pub(super) matchers: Vec<Matcher>,
    pub(super) fingerprint: Vec<String>,
    pub(super) title: Option<String>,
    pub(in super::super) source: Arc<RuleSource>,
    /// What in it is accepted, but of no use.
    pub(in super::super) warnings: Vec<RuleError>,
}

/// All fingerprint rules of a configuration, the project's first.
#[derive(Debug)]
pub(in super::super) struct RuleSet {
    rules: Vec<Rule>,
}

impl RuleSet {
    pub(in super::super) fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The rules, in the order they are tried.
    pub(in super::super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// Reads rules from JSON: `[{"matchers": [[key, argument], …], "fingerprint": […], "attributes": {"title": …}}]`. A `!` before a key negates.
/// Errors name the rule by its number as line.
pub(in super::super) fn from_json(list: &[Value]) -> Result<Vec<Rule>, Vec<RuleError>> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for (rule, number) in list.iter().zip(1..) {
        match json_rule(rule, number) {
            Ok(rule) => rules.push(rule),
            Err(message) => errors.push(RuleError { line: number, column: 1, message }),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

fn json_rule(rule: &Value, number: u32) -> Result<Rule, String> {
    let texts = |value: &Value| value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let pairs = rule.get("matchers").and_then(Value::as_array).ok_or("“matchers” is missing")?;
    let (mut matchers, mut warnings) = (Vec::new(), Vec::new());
    for pair in pairs {
        let pair = texts(pair).ok_or("a matcher is a pair of texts")?;
        let [name, argument] = pair.as_slice() else { return Err("a matcher is a pair of texts".to_owned()) };
        let (negated, key) = name.strip_prefix('!').map_or((false, name.as_str()), |key| (true, key));
        let key = Key::named(key).ok_or_else(|| format!("“{key}” is no key"))?;
        let matcher = Matcher::new(negated, key, argument);
        warnings.extend(matcher.useless().map(|problem| RuleError { line: number, column: 1, message: problem.to_owned() }));
        matchers.push(matcher);
    }
    let fingerprint = rule.get("fingerprint").and_then(texts).ok_or("“fingerprint” is missing")?;
    if matchers.is_empty() || fingerprint.is_empty() {
        return Err("a rule needs matchers and a fingerprint".to_owned());
    }
    let title = rule.get("attributes").and_then(|attributes| attributes.get("title")).and_then(Value::as_str);
    let source = RuleSource { origin: Origin::Project, text_of: RuleText::Fingerprint, line: number, text: written(pairs, &fingerprint) };
    Ok(Rule { matchers, fingerprint, title: title.map(str::to_owned), source: Arc::new(source), warnings })
}

/// The rule as people would write it.
fn written(pairs: &[Value], fingerprint: &[String]) -> String {
    let matcher = |pair: &Value| {
        let part = |index: usize| pair.get(index).and_then(Value::as_str).unwrap_or_default().to_owned();
        format!("{}:\"{}\"", part(0), part(1))
    };
    format!("{} -> {}", pairs.iter().map(matcher).collect::<Vec<_>>().join(" "), fingerprint.join(", "))
}
