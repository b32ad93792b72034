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
use super::rules::{self, Origin, Rule, Rules};

/// The configuration that this version of the room implements. A project stores the name it uses.
pub const VERSION: &str = "newstyle:2026-01-20";

const BASE_STACK_TRACE_RULES: &str = include_str!("rules/base.txt");
const BUILT_IN_FINGERPRINT_RULES: &str = include_str!("fingerprint/builtin.txt");

/// What grouping depends on besides the event.
#[derive(Clone)]
pub struct Config {
    pub(super) compiled: Arc<Compiled>,
}

/// Rules made ready.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) stack_trace: Rules,
    pub(super) fingerprint: RuleSet,
    warnings: Vec<RuleError>,
}

/// The built-in rules, made ready once. They are tested to compile; were one broken, grouping without rules would be the least harm.
static STANDARD: LazyLock<Config> = LazyLock::new(|| {
    let stack_trace = rules::parse(BASE_STACK_TRACE_RULES, Origin::BuiltIn).ok().and_then(|rules| Rules::default().extended(rules).ok());
    let fingerprint = fingerprint::parse(BUILT_IN_FINGERPRINT_RULES, Origin::BuiltIn).unwrap_or_default();
    let stack_trace = stack_trace.map(|(rules, _)| rules).unwrap_or_default();
    Config { compiled: Arc::new(Compiled { stack_trace, fingerprint: RuleSet::new(fingerprint), warnings: Vec::new() }) }
});

impl Config {
    /// The built-in rules alone.
    pub fn standard() -> Self {
        STANDARD.clone()
    }

    /// The built-in rules and a project's own, both as text. All problems are reported at once.
    pub fn with_rules(stack_trace_rules: &str, fingerprint_rules: &str) -> Result<Self, RuleErrors> {
        let stack = rules::parse(stack_trace_rules, Origin::Project);
        Self::assemble(stack, fingerprint::parse(fingerprint_rules, Origin::Project))
    }

    /// From JSON: `{"stack_trace_rules": text, "fingerprint_rules": text or list}`, both optional. In a list, a rule is
    /// `{"matchers": [[key, argument], …], "fingerprint": […], "attributes": {"title": …}}`; errors name its number as line.
    pub fn from_json(config: &Value) -> Result<Self, RuleErrors> {
        let text = config.get("stack_trace_rules").and_then(Value::as_str).unwrap_or_default();
        let fingerprint = match config.get("fingerprint_rules") {
            Some(Value::String(text)) => fingerprint::parse(text, Origin::Project),
            Some(Value::Array(list)) => fingerprint::from_json(list),
            _ => Ok(Vec::new()),
        };
        Self::assemble(rules::parse(text, Origin::Project), fingerprint)
    }

    fn assemble(
        stack: Result<Vec<Rule>, Vec<RuleError>>,
        fingerprint: Result<Vec<fingerprint::Rule>, Vec<RuleError>>,
    ) -> Result<Self, RuleErrors> {
        match (stack, fingerprint) {
            (Ok(stack), Ok(fingerprint)) if stack.is_empty() && fingerprint.is_empty() => Ok(Self::standard()),
            (Ok(stack), Ok(fingerprint)) => Self::standard().extended(stack, fingerprint),
            (stack, fingerprint) => Err(RuleErrors {
                stack_trace_rules: stack.err().unwrap_or_default(),
                fingerprint_rules: fingerprint.err().unwrap_or_default(),
            }),
        }
    }

    fn extended(&self, stack: Vec<Rule>, mut fingerprint: Vec<fingerprint::Rule>) -> Result<Self, RuleErrors> {
        let too_large = |error| RuleErrors { stack_trace_rules: vec![error], ..RuleErrors::default() };
        let (stack_trace, warnings) = self.compiled.stack_trace.extended(stack).map_err(too_large)?;
        fingerprint.extend(self.compiled.fingerprint.rules().iter().cloned());
        Ok(Self { compiled: Arc::new(Compiled { stack_trace, fingerprint: RuleSet::new(fingerprint), warnings }) })
    }

    /// The configuration's name, to be stored with what it decided.
    pub fn version(&self) -> &'static str {
        VERSION
    }

    /// Matchers of the project's stack trace rules that can never match; accepted, since Sentry accepts them.
    pub fn warnings(&self) -> &[RuleError] {
        &self.compiled.warnings
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("version", &VERSION).finish_non_exhaustive()
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
        let (_, warnings) = Rules::default().extended(rules::parse(BASE_STACK_TRACE_RULES, Origin::Project).unwrap()).unwrap();
        assert_eq!(warnings, [], "every built-in matcher can match");
    }

    #[test]
    fn all_problems_of_both_texts_are_reported() {
        let errors = Config::with_rules("x\ny", "z").unwrap_err();
        assert_eq!((errors.stack_trace_rules.len(), errors.fingerprint_rules.len()), (2, 1));
        assert!(errors.to_string().starts_with("stack trace rules, line 1, column 1: "));
        let errors = Config::from_json(&json!({"fingerprint_rules": [{"matchers": [["foo", "x"]], "fingerprint": ["x"]}]})).unwrap_err();
        assert_eq!(errors.fingerprint_rules[0].line, 1);
    }

    #[test]
    fn no_rules_are_the_standard() {
        let none = Config::from_json(&json!({})).unwrap();
        assert!(Arc::ptr_eq(&none.compiled, &Config::standard().compiled));
    }
}
