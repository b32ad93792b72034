//! # Addresses in messages
//!
//! **Promise.** E-mail addresses, URLs, host names and IP addresses (grouping.md 11.2, rows 1 to 4).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use super::place::{Place, is_word, run};

/// The domains that make dotted words a host name (grouping.md 11.3).
const TOP_LEVEL_DOMAINS: &str = " com net org jp de uk fr br it ru es me gov pl ca au cn co in nl edu info eu ch id at kr cz mx be tv se tr tw al ua ir \
    vn cl sk ly cc to no fi us pt dk ar hu tk gr il news ro my biz ie za nz sg ee th io xyz pe bg hk rs lt link ph club si site mobi by cat wiki la ga \
    xxx cf hr ng jobs online kz ug gq ae is lv pro fm tips ms sa app ";

static SORTED: LazyLock<Vec<&[u8]>> = LazyLock::new(|| {
    let mut domains: Vec<_> = TOP_LEVEL_DOMAINS.split_ascii_whitespace().map(str::as_bytes).collect();
    domains.sort_unstable();
    domains
});

fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

pub(super) fn email(place: &Place<'_>) -> Option<usize> {
    if !place.clues.at_sign {
        return None;
    }
    let rest = place.rest();
    if place.ahead.local_part.get() <= place.at() {
        let local = |byte: &&u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte);
        place.ahead.local_part.set(place.at() + rest.as_bytes().iter().take_while(local).count());
    }
    let local = place.ahead.local_part.get() - place.at();
    if !(1..=254).contains(&local) || rest.as_bytes().get(local) != Some(&b'@') {
        return None;
    }
    let mut end = local + 1;
    let mut label = run(&rest[end..], is_label);
    if label == 0 {
        return None;
    }
    end += label;
    while let Some(after) = rest[end..].strip_prefix('.') {
        label = run(after, is_label);
        if label == 0 {
            break;
        }
        end += 1 + label;
    }
    Some(place.at() + end)
}

pub(super) fn url(place: &Place<'_>) -> Option<usize> {
    if !place.clues.scheme || !place.next()?.is_ascii_alphabetic() {
        return None;
    }
    let rest = place.rest();
    let window = rest.as_bytes().iter().take(34);
    let scheme = window.take_while(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(byte)).count();
    if scheme > 33 {
        return None;
    }
    let body = rest.get(scheme..)?.strip_prefix("://")?;
    let allowed = |c: char| !c.is_whitespace() && !"\"'`\\<>{}|^".contains(c);
    if !allowed(body.chars().next()?) || body.starts_with(['/', '$', '.', '?', '#']) {
        return None;
    }
    let body = body[..run(body, allowed)].trim_end_matches(['.', ',', ';']);
    (!body.is_empty()).then(|| place.at() + scheme + 3 + body.len())
}

/// Dotted labels up to the first that is a top-level domain and ends a word; 255 characters at most.
pub(super) fn hostname(place: &Place<'_>) -> Option<usize> {
    if !place.clues.dot || !place.boundary(place.at()) || !place.next().is_some_and(is_label) {
        return None;
    }
    let (mut until, mut found) = place.ahead.labels.get();
    if until <= place.at() {
        (until, found) = labels(place.text(), place.at());
        place.ahead.labels.set((until, found));
    }
    found.filter(|end| end - place.at() <= 255)
}

/// The end of the host name whose first label begins or goes on at a place, if there is one; before that the end of the places for which this
/// is just as true.
fn labels(text: &str, mut at: usize) -> (usize, Option<usize>) {
    loop {
        let label = text[at..].bytes().take(64).take_while(|byte| is_label(char::from(*byte))).count();
        if label > 63 {
            // Further in, it is short enough.
            return (at + 1, None);
        }
        if label == 0 || !text[at + label..].starts_with('.') {
            return (at + label, None);
        }
        at += label + 1;
        let word = run(&text[at..], is_word);
        if is_top_level(&text[at..at + word]) {
            return (at, Some(at + word));
        }
    }
}

fn is_top_level(word: &str) -> bool {
    // The shortest and the longest of them. This is asked of every label of every text.
    if !(2..=6).contains(&word.len()) || !(word.bytes().all(|b| b.is_ascii_lowercase()) || word.bytes().all(|b| b.is_ascii_uppercase())) {
        return false;
    }
    let mut lower = [0; 6];
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    SORTED.binary_search(&&*lower).is_ok()
}

pub(super) fn ip(place: &Place<'_>) -> Option<usize> {
    ip_v6(place).or_else(|| ip_v4(place))
}

/// The longest text from here that reads as an IPv6 address.
fn ip_v6(place: &Place<'_>) -> Option<usize> {
    if !place.clues.colon || place.previous().is_some_and(|c| is_word(c) || c == ':') {
        return None;
    }
    let rest = place.rest();
    let window = rest.as_bytes().iter().take(46);
    // Once there was a dot, four octets are all that may come.
    let mut dotted = false;
    let of_address = |byte: &&u8| {
        dotted |= **byte == b'.';
        byte.is_ascii_hexdigit() || **byte == b'.' || (**byte == b':' && !dotted)
    };
    let length = window.take_while(of_address).count();
    let candidate = &rest[..length];
    if candidate.bytes().filter(|byte| *byte == b':').count() < 2 {
        return None;
    }
    (2..=length).rev().find_map(|length| {
        let zone = rest[length..].strip_prefix('%').map_or(0, |zone| run(zone, |c| c.is_ascii_alphanumeric()));
        let end = place.at() + length + if zone > 0 { zone + 1 } else { 0 };
        (!place.touches_after(end) && candidate[..length].parse::<Ipv6Addr>().is_ok()).then_some(end)
    })
}

/// Four octets and no fifth part.
fn ip_v4(place: &Place<'_>) -> Option<usize> {
    if !place.clues.dot || !place.word_starts() || !place.next()?.is_ascii_digit() {
        return None;
    }
    let mut before = place.text()[..place.at()].chars().rev();
    if before.next() == Some('.') && before.next().is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    let window = place.rest().as_bytes().iter().take(17);
    let length = window.take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let candidate = place.rest()[..length].trim_end_matches('.');
    let end = place.at() + candidate.len();
    (candidate.parse::<Ipv4Addr>().is_ok() && place.boundary(end)).then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::place::{Ahead, Clues};
    use super::*;

    /// What the patterns find, looked for from one place alone.
    fn alone(text: &str, at: usize) -> [Option<usize>; 3] {
        let ahead = Ahead::default();
        let place = Place::new(text, at, Clues::of(text), &ahead);
        [hostname(&place), email(&place), ip_v6(&place)]
    }

    /// Labels from one place on, as they are told of.
    fn named(text: &str, at: usize) -> Option<usize> {
        let ahead = Ahead::default();
        let place = Place::new(text, at, Clues::of(text), &ahead);
        let mut end = 0;
        while place.boundary(at) && end <= 255 {
            let label = run(&text[at + end..], is_label);
            if !(1..=63).contains(&label) || !text[at + end + label..].starts_with('.') {
                return None;
            }
            end += label + 1;
            let word = run(&text[at + end..], is_word);
            if is_top_level(&text[at + end..at + end + word]) {
                return Some(at + end + word).filter(|_| end + word <= 255);
            }
        }
        None
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_would_be_found(parts in prop::collection::vec("a{1,80}|[a-b]\\.|\\.|-|_|@|é|com|::?|1", 1..60)) {
            let text = parts.concat();
            let ahead = Ahead::default();
            for (at, _) in text.char_indices() {
                let place = Place::new(&text, at, Clues::of(&text), &ahead);
                let together = [hostname(&place), email(&place), ip_v6(&place)];
                prop_assert_eq!(together, alone(&text, at), "{} at {}", &text, at);
                prop_assert_eq!(together[0], named(&text, at), "{} at {}", &text, at);
            }
        }
    }

    #[test]
    fn texts_made_to_be_looked_through_again_and_again_are_not() {
        let at_every_place = |text: &str| {
            let ahead = Ahead::default();
            let mut walks = 0;
            for at in 0..text.len() {
                let before = (ahead.labels.get().0, ahead.local_part.get());
                let place = Place::new(text, at, Clues::of(text), &ahead);
                hostname(&place);
                email(&place);
                walks += usize::from(before != (ahead.labels.get().0, ahead.local_part.get()));
            }
            walks
        };
        assert!(at_every_place(&format!("{}@", "a.".repeat(4_000))) <= 4);
    }
}
