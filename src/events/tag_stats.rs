//! # Tag statistics: one packed row per issue and key
//! **Promise.** How often each value of a tag was seen, exact for up to [`MAX_VALUES`] values per issue and key; beyond that the rare ones are
//! folded into "other", and how many values were folded is told as "at least". **How.** A small binary form (LEB128 numbers, texts cut to
//! [`MAX_VALUE`] bytes), merged in memory and written back.
//! **When it breaks.** A row that does not decode counts as empty. **Not here.** SQL ([`super::intake`]).

/// Values kept per issue and key.
pub const MAX_VALUES: usize = 100;
/// Bytes of a value that are kept: what a tag value may have, doubled for multi-byte characters.
pub const MAX_VALUE: usize = 400;
const VERSION: u8 = 1;

/// Keys that the product itself gives events ([`super::summary`]), in the order people look at them. They are kept and shown whatever keys
/// clients make up.
pub const OWN_KEYS: [&str; 20] = [
    "level",
    "release",
    "environment",
    "user",
    "browser",
    "os",
    "device",
    "runtime",
    "server_name",
    "transaction",
    "url",
    "handled",
    "mechanism",
    "logger",
    "dist",
    "browser.name",
    "os.name",
    "device.family",
    "runtime.name",
    "site",
];

/// The values of one key in one issue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagValues {
    /// Events that have the key.
    pub total: u64,
    /// Values that were folded away, counted each time one was: at least so many more may exist.
    pub folded: u64,
    /// Value and count, most frequent first.
    pub values: Vec<(String, u64)>,
}

impl TagValues {
    /// Reads a packed row.
    pub fn decode(bytes: &[u8]) -> Self {
        decode(bytes).unwrap_or_default()
    }

    /// Packs a row.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.values.iter().map(|(value, _)| value.len() + 4).sum::<usize>());
        out.push(VERSION);
        number(&mut out, self.total);
        number(&mut out, self.folded);
        for (value, count) in &self.values {
            number(&mut out, *count);
            number(&mut out, value.len() as u64);
            out.extend_from_slice(value.as_bytes());
        }
        out
    }

    /// Counts `by` more events with `value`.
    pub fn add(&mut self, value: &str, by: u64) {
        let value = &value[..value.floor_char_boundary(MAX_VALUE)];
        self.total += by;
        let Some(at) = self.values.iter().position(|(known, _)| known == value) else {
            self.values.push((value.to_owned(), by));
            return;
        };
        self.values[at].1 += by;
    }

    /// Counts `by` fewer events with `value`. A value that was folded away is only in the total.
    pub fn remove(&mut self, value: &str, by: u64) {
        let value = &value[..value.floor_char_boundary(MAX_VALUE)];
        self.total = self.total.saturating_sub(by);
        if let Some((_, count)) = self.values.iter_mut().find(|(known, _)| known == value) {
            *count = count.saturating_sub(by);
        }
        self.values.retain(|(_, count)| *count > 0);
        self.values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }

    /// Adds all that another issue counted.
    pub fn merge(&mut self, other: Self) {
        let counted: u64 = other.values.iter().map(|(_, count)| count).sum();
        for (value, count) in &other.values {
            self.add(value, *count);
        }
        self.total += other.total.saturating_sub(counted);
        self.folded += other.folded;
        self.settle();
    }

    /// Sorts, and folds the rarest values beyond the bound; of equal ones, those seen first stay. Call it once after the last [`Self::add`].
    pub fn settle(&mut self) {
        self.values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        if self.values.len() > MAX_VALUES {
            // Values that are new in this round would always be the rarest and never get a place: a tenth of the places is theirs.
            let newest = self.values.split_off(MAX_VALUES - MAX_VALUES / 10);
            let folded = newest.len() - MAX_VALUES / 10;
            self.folded += folded as u64;
            self.values.extend(newest.into_iter().skip(folded));
        }
    }
}

fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn decode(bytes: &[u8]) -> Option<TagValues> {
    let (&VERSION, mut bytes) = bytes.split_first()? else { return None };
    let mut tags = TagValues { total: take_number(&mut bytes)?, folded: take_number(&mut bytes)?, values: Vec::new() };
    while !bytes.is_empty() {
        let count = take_number(&mut bytes)?;
        let length = usize::try_from(take_number(&mut bytes)?).ok()?;
        let (value, rest) = bytes.split_at_checked(length)?;
        tags.values.push((std::str::from_utf8(value).ok()?.to_owned(), count));
        bytes = rest;
    }
    Some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again() {
        let mut tags = TagValues::default();
        for (value, by) in [("Chrome", 3), ("Firefox", 700), ("", 1), ("Chrome", 2)] {
            tags.add(value, by);
        }
        tags.settle();
        assert_eq!(tags.values, [("Firefox".to_owned(), 700), ("Chrome".to_owned(), 5), (String::new(), 1)]);
        assert_eq!(TagValues::decode(&tags.encode()), tags);
    }

    #[test]
    fn ten_thousand_values_stay_bounded_and_the_frequent_ones_stay() {
        let mut tags = TagValues::default();
        tags.add("often", 50);
        for n in 0..10_000 {
            tags.add(&format!("{n}{}", "é".repeat(1000)), 1);
            tags.settle();
        }
        assert_eq!((tags.total, tags.values.len(), tags.folded), (10_050, MAX_VALUES, 9_901));
        assert_eq!(tags.values[0], ("often".to_owned(), 50));
        assert!(tags.values.last().unwrap().0.starts_with("9999"), "the newest has a place");
        assert!(tags.encode().len() < MAX_VALUES * (MAX_VALUE + 8));
    }

    #[test]
    fn damaged_rows_count_as_empty() {
        let bytes = TagValues { total: 1, folded: 0, values: vec![("x".to_owned(), 1)] }.encode();
        for broken in [&[][..], &[9], &bytes[..bytes.len() - 1], &[1, 1, 0, 1, 200, 120]] {
            assert_eq!(TagValues::decode(broken), TagValues::default(), "{broken:?}");
        }
    }
}
