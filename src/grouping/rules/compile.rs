//! # Rules made ready
//!
//! **Promise.** What a frame's texts match is found in one pass over each text, however many rules there are.
//! **How.** All distinct globs on one field are matched together (`field`); a frame then carries a bit per glob. Rules are filed under their first plain glob
//! (`filed`), so that a frame meets only rules that can concern it; rules without one (categories, `app:`) are tried on every frame (`always`).
//! A project's rules are a layer upon the built-in ones, whose automata are shared.
//! Category globs are tried against the category names that occur in the rules' own actions, once, when compiling.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::super::glob::{self, Piece};
use super::super::globs::Globs;
use super::super::platform::Family;
use super::super::rule_error::RuleError;
use super::field::{Field, Matching};
use super::parse::truth;
use super::{Action, Matcher, Origin, Reach, Rule, RuleSource, Subject};

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
    /// `±app`: the last of each reach, in the order of [`Reach::rank`].
    pub(super) app: Vec<(Reach, bool)>,
    pub(super) category: Option<u32>,
    /// `±group`: the last of each reach, in the order of [`Reach::rank`].
    pub(super) groups: Vec<(Reach, bool)>,
    pub(super) max_frames: Option<usize>,
    pub(super) min_frames: Option<usize>,
    pub(super) invert: Option<bool>,
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
    /// How many of the rules, and of the layers, are built in.
    built_in: Depth,
}

/// How far into the rules to go: so many rules, from so many layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) rules: u32,
    layers: usize,
}

/// The globs that one text of rules adds; shared by all configurations built on it.
#[derive(Debug, Default)]
struct Layer {
    numbers: HashMap<(Subject, String), u32>,
    fields: HashMap<Subject, Field>,
}

impl Rules {
    /// These rules and more after them. Returns warnings about matchers of a project that can never match, or an error where one
    /// is too large.
    pub(in super::super) fn extended(&self, rules: Vec<Rule>) -> Result<(Self, Vec<RuleError>), RuleError> {
        let mut compiler = Compiler {
            base: self,
            layer: Layer::default(),
            added: HashMap::new(),
            categories: self.categories.clone(),
            warnings: Vec::new(),
            refused: None,
        };
        for action in rules.iter().flat_map(|rule| &rule.actions) {
            if let Action::Category(name) = action {
                let next = compiler.categories.len() as u32;
                compiler.categories.entry(name.clone()).or_insert(next);
            }
        }
        let only_built_in = rules.iter().all(|rule| rule.source.origin == Origin::BuiltIn);
        let more: Vec<Arc<Ready>> = rules.into_iter().map(|rule| Arc::new(compiler.rule(rule))).collect();
        if let Some(refused) = compiler.refused {
            return Err(refused);
        }
        let Compiler { mut layer, added, categories, warnings, .. } = compiler;
        layer.fields = added.into_iter().map(|(subject, globs)| (subject, Field::new(&globs))).collect();
        let mut extended = Self {
            all: self.all.clone(),
            filed: self.filed.clone(),
            always: self.always.clone(),
            layers: self.layers.iter().cloned().chain([Arc::new(layer)]).collect(),
            categories,
            built_in: self.built_in,
        };
        for rule in more {
            extended.file(rule);
        }
        if only_built_in {
            extended.built_in = extended.whole();
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

    /// All rules.
    pub(super) fn whole(&self) -> Depth {
        Depth { rules: self.all.len() as u32, layers: self.layers.len() }
    }

    /// The rules that every project has.
    pub(super) fn built_in(&self) -> Depth {
        self.built_in
    }

    /// Whether any rule looks at the exception.
    pub(super) fn looks_at_errors(&self) -> bool {
        let subjects = [Subject::ErrorType, Subject::ErrorValue, Subject::Mechanism];
        self.layers.iter().any(|layer| subjects.iter().any(|subject| layer.fields.contains_key(subject)))
    }

    /// What it may cost to find what a value matches beyond the built-in globs.
    pub(super) fn steps(&self, subject: Subject, value: &str) -> u64 {
        let of = |layer: &Arc<Layer>| layer.fields.get(&subject).map_or(0, |field| field.steps(value));
        let once: u64 = self.layers.iter().skip(self.built_in.layers).map(of).sum();
        if is_path(subject) && !value.starts_with('/') { 2 * once } else { once }
    }

    /// Adds the globs that `value` matches to `bits`. Paths are tried as they are and with a slash in front.
    pub(super) fn find(&self, depth: Depth, (subject, value): (Subject, &str), bits: &mut Bits, matching: &mut Matching) {
        let layers = self.layers.iter().take(depth.layers).enumerate();
        let fields = layers.filter_map(|(number, layer)| layer.fields.get(&subject).map(|field| ((number, subject), field)));
        if !is_path(subject) {
            return fields.for_each(|(place, field)| field.find(value, bits, matching, place));
        }
        let value = if value.contains('\\') { Cow::Owned(value.replace('\\', "/")) } else { Cow::Borrowed(value) };
        let rooted = (!value.starts_with('/')).then(|| format!("/{value}"));
        for (place, field) in fields {
            field.find(&value, bits, matching, place);
            if let Some(rooted) = &rooted {
                field.find(rooted, bits, matching, place);
            }
        }
    }
}

struct Compiler<'b> {
    base: &'b Rules,
    layer: Layer,
    added: HashMap<Subject, Vec<Added>>,
    categories: HashMap<String, u32>,
    warnings: Vec<RuleError>,
    /// The first glob that is too large.
    refused: Option<RuleError>,
}

/// A glob that is new in this layer.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) number: u32,
    pub(super) regex: String,
    pub(super) ways: Vec<Vec<Piece>>,
}

/// Why a glob is of no use.
enum Useless {
    /// Accepted all the same, as in Sentry.
    NeverMatches(&'static str),
    /// Refused.
    TooLarge,
}

impl Compiler<'_> {
    fn rule(&mut self, rule: Rule) -> Ready {
        let source = Arc::new(rule.source);
        let mut ready = Ready {
            caller: rule.caller.map(|matcher| self.test(&matcher, &source)),
            own: rule.own.iter().map(|matcher| self.test(matcher, &source)).collect(),
            callee: rule.callee.map(|matcher| self.test(&matcher, &source)),
            source,
            app: Vec::new(),
            category: None,
            groups: Vec::new(),
            max_frames: None,
            min_frames: None,
            invert: None,
        };
        for action in rule.actions {
            match action {
                Action::App(reach, on) => {
                    ready.app.retain(|(other, _)| *other != reach);
                    ready.app.push((reach, on));
                }
                Action::Category(name) => ready.category = self.categories.get(&name).copied(),
                Action::Group(reach, on) => {
                    ready.groups.retain(|(other, _)| *other != reach);
                    ready.groups.push((reach, on));
                }
                Action::MaxFrames(frames) => ready.max_frames = Some(frames),
                Action::MinFrames(frames) => ready.min_frames = Some(frames),
                Action::Invert(on) => ready.invert = Some(on),
            }
        }
        ready.app.sort_unstable_by_key(|(reach, _)| reach.rank());
        ready.groups.sort_unstable_by_key(|(reach, _)| reach.rank());
        ready
    }

    fn test(&mut self, matcher: &Matcher, source: &RuleSource) -> Test {
        let what = match matcher.subject {
            Subject::Family => match families(&matcher.argument) {
                none if none.is_empty() => Err(Useless::NeverMatches("no such family, there are native, javascript, other and all")),
                some => Ok(What::Family(some)),
            },
            Subject::App => truth(&matcher.argument).map(What::App).ok_or(Useless::NeverMatches("this is neither yes nor no")),
            subject => self.glob(subject, &matcher.argument),
        };
        let what = what.unwrap_or_else(|useless| {
            let at = |message| RuleError { line: source.line, column: matcher.column, message };
            match useless {
                Useless::NeverMatches(problem) if source.origin == Origin::Project => {
                    self.warnings.push(at(format!("{problem}: this matcher never matches")));
                }
                Useless::NeverMatches(_) => {}
                Useless::TooLarge => {
                    let message = format!("the braces make more than {} globs of this one; write several rules", glob::MAX_WAYS);
                    self.refused.get_or_insert(at(message));
                }
            }
            What::Never
        });
        Test { negated: matcher.negated, what }
    }

    fn glob(&mut self, subject: Subject, pattern: &str) -> Result<What, Useless> {
        let stack = glob::stack(pattern, kind(subject)).map_err(Useless::NeverMatches)?;
        let ways = stack.ways().ok_or(Useless::TooLarge)?;
        if subject == Subject::Category {
            let globs = Globs::new(ways.iter().map(|way| (0, way.as_slice())));
            let mut named = Bits::default();
            self.categories.iter().filter(|(name, _)| globs.is_match(name)).for_each(|(_, id)| named.insert(*id));
            return Ok(What::Category(named));
        }
        let glob = (subject, stack.regex());
        let known = self.base.layers.iter().find_map(|layer| layer.numbers.get(&glob)).or_else(|| self.layer.numbers.get(&glob));
        if let Some(number) = known {
            return Ok(What::Glob(*number));
        }
        let below: usize = self.base.layers.iter().map(|layer| layer.numbers.len()).sum();
        let number = (below + self.layer.numbers.len()) as u32;
        self.added.entry(subject).or_default().push(Added { number, regex: glob.1.clone(), ways });
        self.layer.numbers.insert(glob, number);
        Ok(What::Glob(number))
    }
}

fn is_path(subject: Subject) -> bool {
    matches!(subject, Subject::Path | Subject::Package)
}

fn kind(subject: Subject) -> glob::Kind {
    if is_path(subject) { glob::Kind::Path } else { glob::Kind::Plain }
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
    fn a_glob_that_multiplies_is_refused_where_it_stands() {
        let rules = parse(&format!("function:x +app\nmodule:y path:{} -app", "{a,b}".repeat(12)), Origin::Project).unwrap();
        let refused = Rules::default().extended(rules).unwrap_err();
        assert_eq!((refused.line, refused.column), (2, 15), "{refused}");
        assert!(refused.message.contains("1000"), "{refused}");
    }

    #[test]
    fn what_can_never_match_is_a_warning() {
        let rules = parse("function:[a -app\napp:maybe -group\nfamily:x -app", Origin::Project).unwrap();
        let (_, warnings) = Rules::default().extended(rules).unwrap();
        let places: Vec<_> = warnings.iter().map(|warning| (warning.line, warning.column)).collect();
        assert_eq!(places, [(1, 10), (2, 5), (3, 8)]);
    }
}
