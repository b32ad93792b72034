//! Slugs and short prefixes, made of names.

/// Longest name in characters: what the form allows.
pub(super) const MAX_NAME: usize = 60;
/// Longest platform in characters.
pub(super) const MAX_PLATFORM: usize = 64;
const MAX_SLUG: usize = 40;
const MAX_PREFIX: usize = 8;
/// Slugs that are something else in an address.
const RESERVED: [&str; 1] = ["new"];

/// The name as it is kept: without control characters, and without blanks at its ends.
pub(super) fn tidy(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// "Shop API (new)" becomes "shop-api-new".
pub(super) fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    let slug = slug[..slug.len().min(MAX_SLUG)].trim_end_matches('-');
    if slug.is_empty() { "project".to_owned() } else { slug.to_owned() }
}

/// "Shop API" becomes "SHOPAPI".
pub(super) fn short_prefix(name: &str) -> String {
    let prefix: String = name.chars().filter(char::is_ascii_alphabetic).take(MAX_PREFIX).collect::<String>().to_uppercase();
    if prefix.is_empty() { "P".to_owned() } else { prefix }
}

/// `base`, or the first of `base2`, `base3` … that is not taken, whatever the capitals.
pub(super) fn free_prefix(base: &str, taken: &[String]) -> String {
    let is_free = |prefix: &String| !taken.iter().any(|taken| taken.eq_ignore_ascii_case(prefix));
    let numbered = (2..).map(|n| format!("{base}{n}"));
    std::iter::once(base.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// `base`, or the first of `base-2`, `base-3` … that is not taken.
pub(super) fn free_slug(base: &str, taken: &[String]) -> String {
    let is_free = |slug: &String| !RESERVED.contains(&slug.as_str()) && !taken.contains(slug);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    std::iter::once(base.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_all_kinds_become_slugs_and_prefixes() {
        for (name, as_slug, prefix) in [
            ("shop-api", "shop-api", "SHOPAPI"),
            ("Shop API (new)", "shop-api-new", "SHOPAPIN"),
            ("  --Ünï  ", "n", "N"),
            ("42", "42", "P"),
            ("日本", "project", "P"),
            ("a/../b?c", "a-b-c", "ABC"),
        ] {
            assert_eq!((slug(name).as_str(), short_prefix(name).as_str()), (as_slug, prefix), "{name}");
        }
    }

    #[test]
    fn taken_and_reserved_slugs_get_a_number() {
        let taken = ["shop".to_owned(), "shop-2".to_owned()];
        assert_eq!(free_slug("shop", &taken), "shop-3");
        assert_eq!(free_slug("shop-3", &taken), "shop-3");
        assert_eq!(free_slug("new", &[]), "new-2");
    }

    #[test]
    fn no_two_projects_share_a_prefix() {
        assert_eq!(free_prefix("OLD", &[]), "OLD");
        assert_eq!(free_prefix("OLD", &["old".to_owned(), "OLD2".to_owned()]), "OLD3");
    }

    #[test]
    fn names_lose_what_cannot_be_seen() {
        assert_eq!(tidy(" a\0b\n"), "a b");
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_slug_that_needs_no_encoding(name in "\\PC{0,80}") {
            let slug = slug(&name);
            prop_assert!(!slug.is_empty() && slug.len() <= MAX_SLUG);
            prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!((1..=MAX_PREFIX).contains(&short_prefix(&name).len()));
        }
    }
}
