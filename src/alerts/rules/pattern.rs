//! Texts with wildcards.

use serde::{Deserialize, Serialize};

/// A text in which `*` is any text and `?` one character; it must fit the whole text, in any case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pattern(pub(super) String);

impl Pattern {
    /// Whether it fits. At most as many steps as the lengths of both multiplied.
    pub(super) fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().flat_map(char::to_lowercase).collect();
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let (mut at, mut read) = (0, 0);
        // Where the last `*` stood, and what it has swallowed up to.
        let mut star: Option<(usize, usize)> = None;
        while read < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(one) if *one == '?' || *one == text[read] => {
                    at += 1;
                    read += 1;
                }
                _ => match star {
                    Some((place, swallowed)) => {
                        star = Some((place, swallowed + 1));
                        (at, read) = (place + 1, swallowed + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|rest| *rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_others() {
        for (pattern, text, fits) in [
            ("prod*", "production", true),
            ("prod*", "Prod", true),
            ("prod", "production", false),
            ("*timeout*", "Read TIMEOUT after 3 s", true),
            ("v?.0", "v2.0", true),
            ("v?.0", "v12.0", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxa", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("?", "ß", true),
            ("Ä*", "äöü", true),
            ("[a](.+)", "[a](.+)", true),
            ("a\nb*", "a\nb\nc", true),
        ] {
            assert_eq!(Pattern(pattern.to_owned()).matches(text), fits, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn the_worst_pattern_ends_soon() {
        let worst = Pattern(format!("{}b", "*a".repeat(100)));
        assert!(!worst.matches(&"a".repeat(2000)));
    }

    /// What it means, said in the shortest way.
    fn meant(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => meant(rest, text) || text.split_first().is_some_and(|(_, text)| meant(pattern, text)),
            (Some((one, rest)), Some((first, text))) => (*one == '?' || one == first) && meant(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn it_fits_where_it_should(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern(pattern).matches(&text), meant(&p, &t));
        }
    }
}
