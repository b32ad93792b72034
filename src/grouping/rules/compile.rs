//! # Rules made ready
//!
//! **Promise.** What a frame's texts match is found in one pass over each text, however many rules there are.
//! **How.** All distinct globs on one field become one `RegexSet`; a frame then carries a bit per glob. Rules are filed under their first plain glob
//! (`filed`), so that a frame meets only rules that can concern it; rules without one (categories, `app:`) are tried on every frame (`always`).
//! A project's rules are a layer upon the built-in ones, whose automata are shared.
//! Category globs are tried against the category names that occur in the rules' own actions, once, when compiling.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};

use super::super::glob;
use super::super::platform::Family;
use super::super::rule_error::RuleError;
use super::parse::truth;
use super::{Action, Matcher, Origin, Reach, Rule, RuleSource, Subject};

/// Globs of one text may compile to this much; far above any rules written by hand.
const MAX_AUTOMATON_BYTES: usize = 16 << 20;

/// What matching may remember per field and thread; past it, it starts anew.
const MAX_CACHE_BYTES: usize = 2 << 20;

/// A set of small numbers: which globs a frame matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn insert(&mut self, bit: u32) {
        let word = bit as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (bit % 64);
    }

    /// Adds all numbers of another set.
    pub(super) fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }

    pub(super) fn contains(&self, bit: u32) -> bool {
        self.0.get(bit as usize / 64).is_some_and(|word| word & (1 << (bit % 64)) != 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().zip(0u32..).flat_map(|(&word, index)| {
            std::iter::successors((word != 0).then_some(word), |word| Some(word & (word - 1)).filter(|word| *word != 0))
                .map(move |word| index * 64 + word.trailing_zeros())
        })
    }
}

/// The globs on one field.
#[derive(Debug)]
struct FieldGlobs {
    set: RegexSet,
    ids: Vec<u32>,
}

/// A matcher made ready.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) negated: bool,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// The frame (or its exception) matches this glob.
    Glob(u32),
    /// The frame's category is one of these.
    Category(Bits),
    /// The frame's family is one of these.
    Family(Vec<Family>),
    App(bool),
    Never,
}

/// A rule made ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) source: Arc<RuleSource>,
    pub(super) caller: Option<Test>,
    pub(super) own: Vec<Test>,
    pub(super) callee: Option<Test>,
    /// `±app` and `category=`.
    pub(super) flags: Vec<Flag>,
    /// `±group`.
    pub(super) groups: Vec<(Reach, bool)>,
    pub(super) max_frames: Option<usize>,
    pub(super) min_frames: Option<usize>,
    pub(super) invert: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Flag {
    App(Reach, bool),
    Category(u32),
}

/// All stack trace rules of a configuration, ready for use.
#[derive(Debug, Default)]
pub(in super::super) struct Rules {
    pub(super) all: Vec<Arc<Ready>>,
    /// Rules by the glob one of whose matches they need.
    pub(super) filed: Vec<Vec<u32>>,
    /// Rules to try on every frame.
    pub(super) always: Vec<u32>,
    layers: Vec<Arc<Layer>>,
    categories: HashMap<String, u32>,
}

/// The globs that one text of rules adds; shared by all configurations built on it.
#[derive(Debug, Default)]
struct Layer {
    numbers: HashMap<(Subject, String), u32>,
    fields: HashMap<Subject, FieldGlobs>,
}

impl Rules {
    /// These rules and more after them. Returns warnings about matchers of a project that can never match, or an error when the rules are too large.
    pub(in super::super) fn extended(&self, rules: Vec<Rule>) -> Result<(Self, Vec<RuleError>), RuleError> {
        let mut compiler = Compiler { base: self, layer: Layer::default(), categories: self.categories.clone(), warnings: Vec::new() };
        for action in rules.iter().flat_map(|rule| &rule.actions) {
            if let Action::Category(name) = action {
                let next = compiler.categories.len() as u32;
                compiler.categories.entry(name.clone()).or_insert(next);
            }
        }
        let more: Vec<Arc<Ready>> = rules.into_iter().map(|rule| Arc::new(compiler.rule(rule))).collect();
        compiler.layer.fields = compiler.fields().map_err(|message| RuleError { line: 1, column: 1, message })?;
        let Compiler { layer, categories, warnings, .. } = compiler;
        let mut extended = Self {
            all: self.all.clone(),
            filed: self.filed.clone(),
            always: self.always.clone(),
            layers: self.layers.iter().cloned().chain([Arc::new(layer)]).collect(),
            categories,
        };
        for rule in more {
            extended.file(rule);
        }
        Ok((extended, warnings))
    }

    fn file(&mut self, rule: Arc<Ready>) {
        let number = self.all.len() as u32;
        let key = rule.own.iter().find_map(|test| match test {
            Test { negated: false, what: What::Glob(glob) } => Some(*glob as usize),
            _ => None,
        });
        match key {
            Some(glob) => {
                self.filed.resize(self.filed.len().max(glob + 1), Vec::new());
                self.filed[glob].push(number);
            }
            None => self.always.push(number),
        }
        self.all.push(rule);
    }

    /// The rules that need a match of this glob.
    pub(super) fn filed_under(&self, glob: u32) -> &[u32] {
        self.filed.get(glob as usize).map_or(&[], Vec::as_slice)
    }

    /// How many rules there are.
    #[cfg(test)]
    pub(in super::super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether any rule looks at the exception.
    pub(super) fn looks_at_errors(&self) -> bool {
        let subjects = [Subject::ErrorType, Subject::ErrorValue, Subject::Mechanism];
        self.layers.iter().any(|layer| subjects.iter().any(|subject| layer.fields.contains_key(subject)))
    }

    /// Adds the globs that `value` matches to `bits`. Paths are tried as they are and with a slash in front.
    pub(super) fn find(&self, subject: Subject, value: &str, bits: &mut Bits) {
        let globs = || self.layers.iter().filter_map(|layer| layer.fields.get(&subject));
        if !matches!(subject, Subject::Path | Subject::Package) {
            return globs().for_each(|globs| globs.find(value, bits));
        }
        let value = if value.contains('\\') { Cow::Owned(value.replace('\\', "/")) } else { Cow::Borrowed(value) };
        globs().for_each(|globs| globs.find(&value, bits));
        if !value.starts_with('/') {
            let rooted = format!("/{value}");
            globs().for_each(|globs| globs.find(&rooted, bits));
        }
    }
}

impl FieldGlobs {
    fn find(&self, value: &str, bits: &mut Bits) {
        for index in &self.set.matches(value) {
            bits.insert(self.ids[index]);
        }
    }
}

struct Compiler<'b> {
    base: &'b Rules,
    layer: Layer,
    categories: HashMap<String, u32>,
    warnings: Vec<RuleError>,
}

impl Compiler<'_> {
    fn rule(&mut self, rule: Rule) -> Ready {
        let source = Arc::new(rule.source);
        let mut ready = Ready {
            caller: rule.caller.map(|matcher| self.test(&matcher, &source)),
            own: rule.own.iter().map(|matcher| self.test(matcher, &source)).collect(),
            callee: rule.callee.map(|matcher| self.test(&matcher, &source)),
            source,
            flags: Vec::new(),
            groups: Vec::new(),
            max_frames: None,
            min_frames: None,
            invert: None,
        };
        for action in rule.actions {
            match action {
                Action::App(reach, on) => ready.flags.push(Flag::App(reach, on)),
                Action::Category(name) => ready.flags.extend(self.categories.get(&name).map(|id| Flag::Category(*id))),
                Action::Group(reach, on) => ready.groups.push((reach, on)),
                Action::MaxFrames(frames) => ready.max_frames = Some(frames),
                Action::MinFrames(frames) => ready.min_frames = Some(frames),
                Action::Invert(on) => ready.invert = Some(on),
            }
        }
        ready
    }

    fn test(&mut self, matcher: &Matcher, source: &RuleSource) -> Test {
        let what = match matcher.subject {
            Subject::Family => Ok(What::Family(families(&matcher.argument))),
            Subject::App => truth(&matcher.argument).map(What::App).ok_or("this is neither yes nor no"),
            subject => self.glob(subject, &matcher.argument),
        };
        let what = what.unwrap_or_else(|problem| {
            if source.origin == Origin::Project {
                let message = format!("{problem}: this matcher never matches");
                self.warnings.push(RuleError { line: source.line, column: matcher.column, message });
            }
            What::Never
        });
        Test { negated: matcher.negated, what }
    }

    fn glob(&mut self, subject: Subject, pattern: &str) -> Result<What, &'static str> {
        let regex = glob::stack(pattern, kind(subject))?;
        if subject == Subject::Category {
            let regex = regex::Regex::new(&regex).map_err(|_| "this glob is too large")?;
            let mut named = Bits::default();
            self.categories.iter().filter(|(name, _)| regex.is_match(name)).for_each(|(_, id)| named.insert(*id));
            return Ok(What::Category(named));
        }
        let glob = (subject, regex);
        if let Some(number) = self.base.layers.iter().find_map(|layer| layer.numbers.get(&glob)) {
            return Ok(What::Glob(*number));
        }
        let below: usize = self.base.layers.iter().map(|layer| layer.numbers.len()).sum();
        let next = (below + self.layer.numbers.len()) as u32;
        Ok(What::Glob(*self.layer.numbers.entry(glob).or_insert(next)))
    }

    fn fields(&self) -> Result<HashMap<Subject, FieldGlobs>, String> {
        let mut by_field: HashMap<Subject, Vec<(u32, &str)>> = HashMap::new();
        for ((subject, regex), id) in &self.layer.numbers {
            by_field.entry(*subject).or_default().push((*id, regex));
        }
        let build = |(subject, mut globs): (Subject, Vec<(u32, &str)>)| {
            globs.sort_unstable();
            let set = RegexSetBuilder::new(globs.iter().map(|(_, regex)| regex))
                .size_limit(MAX_AUTOMATON_BYTES)
                .dfa_size_limit(MAX_CACHE_BYTES)
                .build()
                .map_err(|_| "the globs of these rules are too large together".to_owned())?;
            Ok((subject, FieldGlobs { set, ids: globs.iter().map(|(id, _)| *id).collect() }))
        };
        by_field.into_iter().map(build).collect()
    }
}

fn kind(subject: Subject) -> glob::Kind {
    if matches!(subject, Subject::Path | Subject::Package) { glob::Kind::Path } else { glob::Kind::Plain }
}

/// A comma list of family names; `all` means each of them, unknown names none.
fn families(list: &str) -> Vec<Family> {
    let all = [Family::Native, Family::Javascript, Family::Other];
    let named = |family: &Family| list.split(',').map(str::trim).any(|name| name == family.name() || name == "all");
    all.into_iter().filter(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn bits_remember_what_was_put_in() {
        let mut bits = Bits::default();
        for bit in [0, 63, 64, 300] {
            bits.insert(bit);
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 300]);
        assert!(bits.contains(64) && !bits.contains(65) && !bits.contains(9999));
    }

    #[test]
    fn what_can_never_match_is_a_warning() {
        let rules = parse("function:[a -app\napp:maybe -group\nfamily:x -app", Origin::Project).unwrap();
        let (_, warnings) = Rules::default().extended(rules).unwrap();
        let places: Vec<_> = warnings.iter().map(|warning| (warning.line, warning.column)).collect();
        assert_eq!(places, [(1, 10), (2, 5)]);
    }
}
