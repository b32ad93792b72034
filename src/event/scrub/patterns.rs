//! # What secrets look like
//!
//! **Promise.** The patterns of Sentry's default rules, found by running Relay's library on texts (`protocol.md` 10.1), compiled once per process.
//!
//! **How.** [`Hints`] reads a text's bytes once and says which patterns cannot match, so that ordinary text costs no regular expression
//! beyond the word check. All patterns run in linear time (the `regex` crate knows no backtracking).
//!
//! **Not here.** What is put in a secret's place ([`chunks`](super::chunks)), and where secrets are looked for ([`fields`](super::fields)).

use std::sync::LazyLock;

use regex::Regex;

/// One pattern, and the part of a match that is secret.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The rule's name in `_meta` without its redaction, such as `@email`.
    pub(super) name: &'static str,
    /// The expression.
    pub(super) regex: Regex,
    /// The capture group that is replaced; 0 is the whole match.
    pub(super) group: usize,
    /// What a text must have for a match to be possible.
    pub(super) needs: Hints,
}

/// What a glance at the bytes of a text tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    digits: u32,
    dashes: u32,
    dots: u32,
    colons: u32,
    slashes: u32,
    ats: u32,
    capitals: u32,
    b: u32,
}

/// Counters of [`Hints`] by byte: an index, or 0 for bytes that say nothing.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte as u8 {
            b'0'..=b'9' => 1,
            b'-' => 2,
            b'.' => 3,
            b':' => 4,
            b'/' => 5,
            b'@' => 6,
            b'B' => 9,
            b'A'..=b'Z' => 7,
            b'b' => 8,
            _ => 0,
        };
        byte += 1;
    }
    class
};

impl Hints {
    /// Counts the telling bytes of a text.
    pub(super) fn of(text: &str) -> Self {
        let mut n = [0_u32; 10];
        for byte in text.as_bytes() {
            n[CLASS[usize::from(*byte)] as usize] += 1;
        }
        Self { digits: n[1], dashes: n[2], dots: n[3], colons: n[4], slashes: n[5], ats: n[6], capitals: n[7] + n[9], b: n[8] + n[9] }
    }

    /// Whether a text with these bytes may hold what `needed` asks for.
    pub(super) fn allow(&self, needed: &Self) -> bool {
        self.digits >= needed.digits
            && self.dashes >= needed.dashes
            && self.dots >= needed.dots
            && self.colons >= needed.colons
            && self.slashes >= needed.slashes
            && self.ats >= needed.ats
            && self.capitals >= needed.capitals
            && self.b >= needed.b
    }
}

const NONE: Hints = Hints { digits: 0, dashes: 0, dots: 0, colons: 0, slashes: 0, ats: 0, capitals: 0, b: 0 };

/// Words that make a key, or a whole text, a secret.
const WORDS: &str = "password|passwd|secret|auth|credentials|mysql_pwd|api[_-]?key|private[_-]?key";
/// Words that are secret only when there is nothing beside them.
const WHOLE: &str = "^(?:otp|two[_-]factor)$";

/// Countries that give IBANs, officially or in practice.
const IBAN_COUNTRIES: &str = "A[DELOTZ]|B[AEFGHIJRY]|C[FGHIMRVYZ]|D[EJKOZ]|E[EGS]|F[IOR]|G[ABEILQRTW]|H[NRU]|I[ELQRST]|JO|K[MWZ]|L[BCITUVY]\
    |M[ACDEGKLRTUZ]|N[EILO]|P[KLST]|QA|R[OSU]|S[ACEIKMNTV]|T[DGLNR]|UA|V[AG]|XK";

/// A byte of an IPv4 address; leading zeros pass.
const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})";

/// All patterns of the default rules.
#[derive(Debug)]
pub(super) struct Patterns {
    /// Secret words in a key.
    pub(super) key_words: Regex,
    /// Secret words in a text.
    pub(super) text_words: Regex,
    /// A line with anything in it.
    pub(super) line: Regex,
    /// Card numbers: Amex, Visa, MasterCard, Discover, by prefix and length.
    pub(super) card: Pattern,
    /// Bank accounts.
    pub(super) iban: Pattern,
    /// US social security numbers.
    pub(super) ssn: Pattern,
    /// `Bearer` and what follows it.
    pub(super) bearer: Pattern,
    /// The body of a PEM key.
    pub(super) pem: Pattern,
    /// The password in `//user:password@host`.
    pub(super) url: Pattern,
    /// E-mail addresses.
    pub(super) email: Pattern,
    /// IPv4 addresses.
    pub(super) ipv4: Pattern,
    /// IPv6 addresses; of some compressed forms only the last part, as Relay finds it.
    pub(super) ipv6: Pattern,
}

/// The compiled patterns.
pub(super) static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::compile);

impl Patterns {
    fn compile() -> Self {
        let pattern = |name, regex: &str, group, needs| Pattern { name, regex: known_good(regex), group, needs };
        let hex = "[0-9a-f]{1,4}";
        let key = "-----{W}[A-Z ]+(?:PRIVATE|PUBLIC) KEY-----";
        Self {
            key_words: known_good(&format!("(?i){WORDS}|token|{WHOLE}")),
            text_words: known_good(&format!(r"(?i){WORDS}|token\S*[:=]|{WHOLE}")),
            line: known_good(".+"),
            card: pattern(
                "@creditcard",
                r"\b(?:3[47][0-9]{2}(?:[-\s]?[0-9]){11}|(?:4[0-9]{3}|5[1-5][0-9]{2}|6011|65[0-9]{2})(?:[-\s]?[0-9]){12})\b",
                0,
                Hints { digits: 15, ..NONE },
            ),
            iban: pattern(
                "@iban",
                &format!(r"\b(?:{IBAN_COUNTRIES})[0-9]{{2}}[0-9A-Za-z]{{11,29}}\b"),
                0,
                Hints { digits: 2, capitals: 2, ..NONE },
            ),
            ssn: pattern("@usssn", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", 0, Hints { digits: 9, dashes: 2, ..NONE }),
            bearer: pattern("@bearer", r"(?i)\bbearer\s+\S+", 0, Hints { b: 1, ..NONE }),
            pem: pattern(
                "@pemkey",
                &format!(r"(?s){}[ \t\r]?\n?(.+?)\r?\n?{}", key.replace("{W}", "BEGIN"), key.replace("{W}", "END")),
                1,
                Hints { dashes: 20, capitals: 20, ..NONE },
            ),
            url: pattern(
                "@urlauth",
                r"\b(?:[a-z0-9]+:)?//[A-Za-z0-9%_.-]+:([A-Za-z0-9%_.-]+)@",
                1,
                Hints { slashes: 2, colons: 1, ats: 1, ..NONE },
            ),
            email: pattern(
                "@email",
                r"\b[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b",
                0,
                Hints { ats: 1, dots: 1, ..NONE },
            ),
            ipv4: pattern("@ip", &format!(r"\b(?:{OCTET}\.){{3}}{OCTET}\b"), 0, Hints { digits: 4, dots: 3, ..NONE }),
            ipv6: pattern(
                "@ip",
                &format!(
                    r"(?i)(?:^|[\s[:punct:]])((?:{hex}:){{7}}{hex}|(?:{hex}:){{1,7}}:|{hex}:(?::{hex}){{1,6}}|:(?:(?::{hex}){{1,7}}|:))(?:[\s[:punct:]]|$)"
                ),
                1,
                Hints { colons: 2, ..NONE },
            ),
        }
    }

    /// A pattern of a rule of one's own, by its name (`@email`); `@ip` names two.
    pub(super) fn named(&'static self, name: &str) -> Option<Vec<&'static Pattern>> {
        let all = [&self.card, &self.iban, &self.ssn, &self.bearer, &self.pem, &self.url, &self.email, &self.ipv4, &self.ipv6];
        let found: Vec<_> = all.into_iter().filter(|pattern| pattern.name == name).collect();
        (!found.is_empty()).then_some(found)
    }
}

/// Compiles an expression that stands in this file.
#[expect(clippy::expect_used, reason = "the expressions are constants, and the tests compile every one of them")]
fn known_good(regex: &str) -> Regex {
    Regex::new(regex).expect("an expression in this file is well-formed")
}
