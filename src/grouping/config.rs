//! # Configurations
//!
//! **Promise.** A [`Config`] is everything grouping depends on besides the event. It is made once, is cheap to clone, and two equal configurations
//! group alike for ever.
//! **How.** The rules that come with the configuration are compiled into one shared value; a project's own rules make a value of their own.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::fingerprint::{self, RuleSet};
use super::rule_error::{RuleError, RuleErrors};
use super::rules::{self, Origin, Rule, RuleText, Rules};
use super::version::{self, Version};

const BASE_STACK_TRACE_RULES: &str = include_str!("rules/base.txt");
const BUILT_IN_FINGERPRINT_RULES: &str = include_str!("fingerprint/builtin.txt");

/// What grouping depends on besides the event.
#[derive(Clone)]
pub struct Config {
    version: Version,
    pub(super) compiled: Arc<Compiled>,
}

/// Rules made ready.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) stack_trace: Rules,
    pub(super) fingerprint: RuleSet,
    warnings: RuleErrors,
}

/// The built-in rules of each version, made ready once.
static STANDARD: [LazyLock<Config>; Version::ALL.len()] =
    [LazyLock::new(|| built_in(Version::V2023_01_11)), LazyLock::new(|| built_in(Version::V2026_01_20))];

/// The built-in rules. They are tested to compile; were one broken, grouping without rules would be the least harm.
fn built_in(version: Version) -> Config {
    let stack_trace = rules::parse(&version::lines_of(BASE_STACK_TRACE_RULES, version), Origin::BuiltIn)
        .ok()
        .and_then(|rules| Rules::default().extended(rules).ok());
    let fingerprint = fingerprint::parse(BUILT_IN_FINGERPRINT_RULES, Origin::BuiltIn).unwrap_or_default();
    let stack_trace = stack_trace.map(|(rules, _)| rules).unwrap_or_default();
    Config {
        version,
        compiled: Arc::new(Compiled { stack_trace, fingerprint: RuleSet::new(fingerprint), warnings: RuleErrors::default() }),
    }
}

impl Config {
    /// The newest version's built-in rules alone.
    pub fn standard() -> Self {
        Self::of(Version::NEWEST)
    }

    /// A version's built-in rules alone.
    pub fn of(version: Version) -> Self {
        let [of_2023_01_11, of_2026_01_20] = &STANDARD;
        let standard: &Self = match version {
            Version::V2023_01_11 => of_2023_01_11,
            Version::V2026_01_20 => of_2026_01_20,
        };
        standard.clone()
    }

    /// A version's built-in rules and a project's own, these as text. All problems are reported at once.
    pub fn with_rules(version: Version, stack_trace_rules: &str, fingerprint_rules: &str) -> Result<Self, RuleErrors> {
        let stack = rules::parse(stack_trace_rules, Origin::Project);
        Self::assemble(version, stack, fingerprint::parse(fingerprint_rules, Origin::Project))
    }

    /// From JSON: `{"version": name, "stack_trace_rules": text, "fingerprint_rules": text or list}`, all optional. Without a version it is
    /// [`Version::default`]: what a file means does not change when a newer version comes. In a list, a rule is
    /// `{"matchers": [[key, argument], …], "fingerprint": […], "attributes": {"title": …}}`; errors name its number as line.
    pub fn from_json(config: &Value) -> Result<Self, RuleErrors> {
        let text = config.get("stack_trace_rules").and_then(Value::as_str).unwrap_or_default();
        let fingerprint = match config.get("fingerprint_rules") {
            Some(Value::String(text)) => fingerprint::parse(text, Origin::Project),
            Some(Value::Array(list)) => fingerprint::from_json(list),
            _ => Ok(Vec::new()),
        };
        let name = config.get("version").filter(|name| !name.is_null());
        let version = name.map(|name| name.as_str().unwrap_or_default().parse()).transpose();
        let version = version.map_err(|unknown| RuleErrors { version: Some(unknown), ..RuleErrors::default() })?.unwrap_or_default();
        Self::assemble(version, rules::parse(text, Origin::Project), fingerprint)
    }

    fn assemble(
        version: Version,
        stack: Result<Vec<Rule>, Vec<RuleError>>,
        fingerprint: Result<Vec<fingerprint::Rule>, Vec<RuleError>>,
    ) -> Result<Self, RuleErrors> {
        match (stack, fingerprint) {
            (Ok(stack), Ok(fingerprint)) if stack.is_empty() && fingerprint.is_empty() => Ok(Self::of(version)),
            (Ok(stack), Ok(fingerprint)) => Self::of(version).extended(stack, fingerprint),
            (stack, fingerprint) => Err(RuleErrors {
                stack_trace_rules: stack.err().unwrap_or_default(),
                fingerprint_rules: fingerprint.err().unwrap_or_default(),
                version: None,
            }),
        }
    }

    fn extended(&self, stack: Vec<Rule>, mut fingerprint: Vec<fingerprint::Rule>) -> Result<Self, RuleErrors> {
        let too_large = |error| RuleErrors { stack_trace_rules: vec![error], ..RuleErrors::default() };
        let (stack_trace, stack_trace_rules) = self.compiled.stack_trace.extended(stack).map_err(too_large)?;
        let fingerprint_rules = fingerprint.iter().flat_map(|rule| &rule.warnings).cloned().collect();
        let warnings = RuleErrors { stack_trace_rules, fingerprint_rules, version: None };
        fingerprint.extend(self.compiled.fingerprint.rules().iter().cloned());
        Ok(Self { version: self.version, compiled: Arc::new(Compiled { stack_trace, fingerprint: RuleSet::new(fingerprint), warnings }) })
    }

    /// The built-in rules of a version as written, each with its line from 1; comments and what the version lacks are left out.
    pub fn built_in_rules(version: Version, text: RuleText) -> Vec<(u32, String)> {
        let text = match text {
            RuleText::StackTrace => version::lines_of(BASE_STACK_TRACE_RULES, version),
            RuleText::Fingerprint => BUILT_IN_FINGERPRINT_RULES.to_owned(),
        };
        let rules = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        rules.map(|(number, line)| (number, line.to_owned())).collect()
    }

    /// The version, to be stored with what it decided.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What in the project's rules is of no use, such as matchers that can never match; accepted, since Sentry accepts it.
    pub fn warnings(&self) -> &RuleErrors {
        &self.compiled.warnings
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("version", &self.version).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_built_in_rules_compile_and_can_match() {
        let compiled = &Config::standard().compiled;
        assert!(compiled.fingerprint.rules().len() == 7);
        assert!(compiled.stack_trace.len() > 330);
        let of_2023 = Config::of(Version::V2023_01_11).compiled;
        assert!((230..compiled.stack_trace.len()).contains(&of_2023.stack_trace.len()), "{}", of_2023.stack_trace.len());
        let (_, warnings) = Rules::default().extended(rules::parse(BASE_STACK_TRACE_RULES, Origin::Project).unwrap()).unwrap();
        assert_eq!(warnings, [], "every built-in matcher can match");
        assert!(compiled.fingerprint.rules().iter().all(|rule| rule.warnings.is_empty()));
    }

    #[test]
    fn the_built_in_rules_can_be_listed() {
        for version in Version::ALL {
            let compiled = Config::of(version).compiled;
            let listed = Config::built_in_rules(version, RuleText::StackTrace);
            assert_eq!(listed.len(), compiled.stack_trace.len());
            let listed = Config::built_in_rules(version, RuleText::Fingerprint);
            let rules = compiled.fingerprint.rules();
            assert!(
                listed
                    .iter()
                    .map(|(line, text)| (*line, text.as_str()))
                    .eq(rules.iter().map(|rule| (rule.source.line, rule.source.text.as_str())))
            );
        }
    }

    #[test]
    fn all_problems_of_both_texts_are_reported() {
        let errors = Config::with_rules(Version::NEWEST, "x\ny", "z").unwrap_err();
        assert_eq!((errors.stack_trace_rules.len(), errors.fingerprint_rules.len()), (2, 1));
        assert!(errors.to_string().starts_with("stack trace rules, line 1, column 1: "));
        let errors = Config::from_json(&json!({"fingerprint_rules": [{"matchers": [["foo", "x"]], "fingerprint": ["x"]}]})).unwrap_err();
        assert_eq!(errors.fingerprint_rules[0].line, 1);
    }

    #[test]
    fn what_is_of_no_use_is_told_of_both_texts() {
        let config = Config::with_rules(Version::NEWEST, "app:maybe -app", "type:a -> b\nfamily:ruby -> {{ nothing }}").unwrap();
        let places = |list: &[RuleError]| list.iter().map(|warning| (warning.line, warning.column)).collect::<Vec<_>>();
        assert_eq!(places(&config.warnings().stack_trace_rules), [(1, 5)]);
        assert_eq!(places(&config.warnings().fingerprint_rules), [(2, 8), (2, 16)]);
    }

    #[test]
    fn no_rules_are_the_standard() {
        let none = Config::from_json(&json!({})).unwrap();
        assert!(Arc::ptr_eq(&none.compiled, &Config::standard().compiled));
    }

    #[test]
    fn a_configuration_may_name_its_version() {
        for version in Version::ALL {
            assert_eq!(Config::from_json(&json!({"version": version})).unwrap().version(), version);
            assert_eq!(Config::with_rules(version, "function:x -app", "").unwrap().version(), version);
        }
        assert_eq!(Config::from_json(&json!({"version": null})).unwrap().version(), Version::default());
        for wrong in [json!("newest"), json!(7)] {
            let errors = Config::from_json(&json!({"version": wrong})).unwrap_err();
            assert!(errors.to_string().starts_with("there is no grouping version"), "{errors}");
        }
    }
}
