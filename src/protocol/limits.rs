//! # Limits: what requests and items may measure
//!
//! **Promise.** Every size and number of section 5 of the protocol page has a name, a default, bounds and an explanation, all in one list: the
//! fields of [`Limits`], what an operator may write, `--help` and the manual come from it.
//!
//! **How.** A limit is the largest that is taken: limit + 1 is too much. Bytes are counted after decoding.
//!
//! **When it breaks.** A text that is no size is `None`; who asked says so.
//!
//! **Not here.** Reading the setting (`config`); what becomes of an item beyond its limit ([`super::items::ItemKind::oversize`]).

/// One kibibyte.
pub const KIB: u64 = 1024;
/// One mebibyte.
pub const MIB: u64 = 1024 * KIB;
/// One gibibyte.
pub const GIB: u64 = 1024 * MIB;

/// The most that what stays in memory may be set to: an envelope's items may take twice as much there together, see `ingest::collect`.
pub const IN_MEMORY: u64 = 8 * MIB;
/// The most that a limit of attachments in number may be set to: each is a file, and an envelope keeps 1,000 items.
const FILES: u64 = 500;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Items.
    Items,
}

/// What holds the thing that is limited, and so must not be smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Half of the journal.
    Journal,
    /// Another limit, which stands before it in the list.
    Limit(&'static str),
    /// Nothing.
    Free,
}

/// One limit: everything that is known of it.
#[derive(Debug)]
pub struct Limit {
    /// Its name in settings.
    pub name: &'static str,
    about: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Its value where nobody sets one.
    pub default: u64,
    /// The largest value that may be set.
    pub most: u64,
    /// Why not more.
    pub why_not_more: &'static str,
    /// What must not be smaller.
    pub within: Within,
    /// Its value.
    pub get: fn(&Limits) -> u64,
    /// Changes it.
    pub set: fn(&mut Limits, u64),
}

impl Limit {
    /// The limit of this name.
    pub fn of(name: &str) -> Option<&'static Self> {
        LIMITS.iter().find(|limit| limit.name == name)
    }

    /// What is limited, and what happens beyond.
    pub const fn about(&self) -> &'static str {
        self.about.trim_ascii()
    }
}

/// Where memory is what bounds a limit.
const HELD: (u64, &str) = (IN_MEMORY, "it is whole in memory, in every request at the same time");
/// Bodies of which few are read at a time.
const FEW: (u64, &str) = (64 * MIB, "as the body of a request it is whole in memory, sixteen at a time");
/// Where the disk is what bounds a limit.
const ON_DISK: (u64, &str) = (GIB, "no client sends more in the ten minutes that a request may take");
/// Numbers of items.
const MANY: (u64, &str) = (1000, "an envelope with more of them is none that an SDK made");

/// Makes the struct and the list from the same lines: documentation, name, unit, default, bound, what it lies within.
macro_rules! limits {
    ($($(#[doc = $about:literal])+ $name:ident: $unit:ident = $default:expr, $most:expr, $within:expr;)+) => {
        /// The largest sizes and numbers that are taken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $about])+ pub $name: u64,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// All limits; what holds others stands before them.
        pub const LIMITS: &[Limit] = &[$(Limit {
            name: stringify!($name),
            about: concat!($($about),+),
            unit: Unit::$unit,
            default: $default,
            most: $most.0,
            why_not_more: $most.1,
            within: $within,
            get: |limits| limits.$name,
            set: |limits, value| limits.$name = value,
        },)+];
    };
}

const OF_ENVELOPE: Within = Within::Limit("envelope");

limits! {
    /// A whole envelope, minidump upload, attachment upload or Unreal crash. Beyond: 413.
    envelope: Bytes = 100 * MIB, ON_DISK, Within::Journal;
    /// A body of `/store/`, and what it unpacks to. Beyond: 413.
    store: Bytes = MIB, HELD, Within::Journal;
    /// A body of security policy reports. Beyond: 413.
    security: Bytes = MIB, HELD, Within::Journal;
    /// An event, feedback or policy report; the fields of a minidump's form together; the body of a check-in by URL. Beyond: 413 for the whole request. Transactions are left out and counted.
    event: Bytes = MIB, HELD, OF_ENVELOPE;
    /// All attachments of an envelope together. Beyond: the rest is left out and counted, the event is kept.
    attachments_total: Bytes = 100 * MIB, ON_DISK, OF_ENVELOPE;
    /// One attachment or minidump. Beyond: it is left out and counted.
    attachment: Bytes = 100 * MIB, ON_DISK, Within::Limit("attachments_total");
    /// Attachments in an envelope. Beyond: the surplus is left out and counted.
    attachments_count: Items = 30, (FILES, "each is a file of its own"), Within::Free;
    /// A session or sessions item. Beyond: it is left out and counted.
    session: Bytes = 10 * MIB, ON_DISK, OF_ENVELOPE;
    /// Session and sessions items in an envelope. Beyond: the surplus is left out and counted.
    sessions_count: Items = 100, MANY, Within::Free;
    /// A client report. Beyond: it is left out.
    client_report: Bytes = 100 * KIB, HELD, OF_ENVELOPE;
    /// Client reports in an envelope. Beyond: the surplus is left out.
    client_reports_count: Items = 100, MANY, Within::Free;
    /// A check-in. Beyond: it is left out and counted.
    check_in: Bytes = 100 * KIB, HELD, OF_ENVELOPE;
    /// A container of logs (left out and counted beyond), and a body of a log drain (413).
    log: Bytes = 12 * MIB, FEW, OF_ENVELOPE;
    /// A body of logs by OTLP. Beyond: 413.
    otlp_logs: Bytes = 2 * MIB, FEW, Within::Journal;
    /// A body of network error reports. Beyond: 413.
    nel: Bytes = 12 * MIB, FEW, Within::Journal;
    /// A container of metrics. Beyond: it is left out and counted.
    trace_metric: Bytes = MIB, ON_DISK, OF_ENVELOPE;
    /// A span or a container of spans (left out and counted beyond), and a body of spans by OTLP (413).
    span: Bytes = 10 * MIB, FEW, OF_ENVELOPE;
    /// Single spans, outside containers, in an envelope. Beyond: the surplus is left out and counted.
    spans_count: Items = 25, MANY, Within::Free;
    /// A profile or a chunk of one. Beyond: it is left out and counted.
    profile: Bytes = 50 * MIB, ON_DISK, OF_ENVELOPE;
    /// A replay's event, recording or video. Beyond: it is left out and counted.
    replay: Bytes = 10 * MIB, ON_DISK, OF_ENVELOPE;
    /// What a user says in an old client's dialog; its texts are short. Beyond: it is left out and counted.
    user_report: Bytes = MIB, HELD, OF_ENVELOPE;
    /// An item of any other kind, such as old metrics. Beyond: it is left out and counted.
    other: Bytes = MIB, ON_DISK, OF_ENVELOPE;
    /// One header line of an envelope. Beyond: 400, for it is none.
    header_line: Bytes = MIB, HELD, OF_ENVELOPE;
}

/// Endings of sizes, the longer first: powers of 1,024, but kB, MB and GB are the powers of 1,000 that they are elsewhere.
const ENDINGS: [(&str, u64); 11] = [
    ("kib", KIB),
    ("mib", MIB),
    ("gib", GIB),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", KIB),
    ("m", MIB),
    ("g", GIB),
    ("b", 1),
    ("", 1),
];

impl Unit {
    /// The smallest value that makes sense: less would take nothing.
    pub const fn least(self) -> u64 {
        match self {
            Self::Bytes => KIB,
            Self::Items => 1,
        }
    }

    /// Reads `2MiB`, `512 KiB`, `1048576`; numbers of items as they are.
    pub fn parse(self, text: &str) -> Option<u64> {
        let text = text.trim().to_ascii_lowercase();
        if self == Self::Items {
            return text.parse().ok();
        }
        let (number, factor) = ENDINGS.iter().find_map(|(ending, factor)| Some((text.strip_suffix(ending)?, factor)))?;
        number.trim_end().parse::<u64>().ok()?.checked_mul(*factor)
    }

    /// A value as people write it; [`Unit::parse`] reads it back.
    pub fn words(self, value: u64) -> String {
        let units = [(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")];
        let whole = units.into_iter().find(|(unit, _)| self == Self::Bytes && value >= *unit && value.is_multiple_of(*unit));
        match whole {
            Some((unit, name)) => format!("{} {name}", value / unit),
            None if self == Self::Bytes => format!("{value} B"),
            None => value.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Section 5 of the protocol page, and what Vedette says there of its own.
    #[test]
    fn the_defaults_are_those_of_the_protocol() {
        let expected = Limits {
            envelope: 104_857_600,
            store: 1_048_576,
            security: 1_048_576,
            event: 1_048_576,
            attachments_total: 104_857_600,
            attachment: 104_857_600,
            attachments_count: 30,
            session: 10_485_760,
            sessions_count: 100,
            client_report: 102_400,
            client_reports_count: 100,
            check_in: 102_400,
            log: 12_582_912,
            otlp_logs: 2_097_152,
            nel: 12_582_912,
            trace_metric: 1_048_576,
            span: 10_485_760,
            spans_count: 25,
            profile: 52_428_800,
            replay: 10_485_760,
            user_report: 1_048_576,
            other: 1_048_576,
            header_line: 1_048_576,
        };
        assert_eq!(Limits::default(), expected);
    }

    #[test]
    fn every_row_of_the_list_is_sound() {
        for (at, limit) in LIMITS.iter().enumerate() {
            assert_eq!((limit.get)(&Limits::default()), limit.default, "{}", limit.name);
            let mut changed = Limits::default();
            (limit.set)(&mut changed, 7);
            assert_eq!(((limit.get)(&changed), changed == Limits::default()), (7, false), "{}", limit.name);
            assert!(limit.unit.least() <= limit.default && limit.default <= limit.most, "{}", limit.name);
            assert!(limit.about().ends_with('.') && !limit.about().contains('|'), "{} stands in a table", limit.name);
            if let Within::Limit(parent) = limit.within {
                let parent = LIMITS[..at].iter().find(|before| before.name == parent).expect("stands before");
                assert!(limit.default <= parent.default && limit.unit == parent.unit, "{}", limit.name);
            }
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("1048576", Some(MIB)),
            ("2MiB", Some(2 * MIB)),
            (" 512 KiB ", Some(512 * KIB)),
            ("1gib", Some(GIB)),
            ("20M", Some(20 * MIB)),
            ("20mb", Some(20_000_000)),
            ("7 B", Some(7)),
            ("0", Some(0)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5MiB", None),
            ("2 apples", None),
            ("2MiBs", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(Unit::Bytes.parse(text), bytes, "{text}");
        }
        assert_eq!((Unit::Items.parse(" 30 "), Unit::Items.parse("30K")), (Some(30), None));
        assert_eq!(
            (Unit::Bytes.words(1536 * KIB), Unit::Bytes.words(1001), Unit::Items.words(1024)),
            ("1536 KiB".into(), "1001 B".into(), "1024".into())
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any::<u64>(), shift in 0..40_u32) {
            for unit in [Unit::Bytes, Unit::Items] {
                prop_assert_eq!(unit.parse(&unit.words(value >> shift << shift)), Some(value >> shift << shift));
            }
        }

        #[test]
        fn no_text_is_too_odd(text in ".*") {
            let _ = (Unit::Bytes.parse(&text), Unit::Items.parse(&text));
        }
    }
}
