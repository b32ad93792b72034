//! # `VEDETTE_LIMITS`: what requests and items may measure
//! **Promise.** `event=2MiB, attachment=50MiB` changes what it names and leaves the rest at its default; every mistake is said, with the name, the
//! reason and what to write instead. **How.** Names, defaults and bounds are those of [`LIMITS`]. What is not set is lowered to what holds it (an
//! item to the envelope, the envelope to the journal); what is set beyond that is a mistake. **Not here.** Holding requests to them (`ingest`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::protocol::limits::{LIMITS, Limit, Limits, Within};

/// The limits of a text, beside a journal of so many bytes; or everything that is wrong with it.
pub(super) fn parse(text: &str, journal_bytes: u64) -> Result<Limits, Vec<String>> {
    let (mut limits, mut set, mut problems) = (Limits::default(), BTreeSet::new(), Vec::new());
    for pair in text.split([',', ';', '\n']).map(str::trim).filter(|pair| !pair.is_empty()) {
        match read(pair) {
            Ok((limit, _)) if !set.insert(limit.name) => problems.push(format!("{} stands here twice: leave one", limit.name)),
            Ok((limit, value)) => (limit.set)(&mut limits, value),
            Err(problem) => problems.push(problem),
        }
    }
    for limit in LIMITS {
        let (most, holder) = match limit.within {
            Within::Free => continue,
            Within::Journal => (journal_bytes / 2, "half of the journal (VEDETTE_JOURNAL_MIB)"),
            Within::Limit(name) => (Limit::of(name).map_or(u64::MAX, |holder| (holder.get)(&limits)), name),
        };
        let value = (limit.get)(&limits);
        if value <= most {
            continue;
        }
        if set.contains(limit.name) {
            let (value, most) = (limit.unit.words(value), limit.unit.words(most));
            problems.push(format!(
                "{}: {value} do not fit into {holder}, which is {most}: raise that too, or write at most {most}",
                limit.name
            ));
        }
        // One mistake is said once, not again for all that lies within.
        (limit.set)(&mut limits, most);
    }
    if problems.is_empty() { Ok(limits) } else { Err(problems) }
}

/// One pair of name and value.
fn read(pair: &str) -> Result<(&'static Limit, u64), String> {
    let (name, value) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is no name with a value, such as event=2MiB"))?;
    let (name, value) = (name.trim().to_ascii_lowercase().replace('-', "_"), value.trim());
    let limit = Limit::of(&name).ok_or_else(|| {
        let names: Vec<_> = LIMITS.iter().map(|limit| limit.name).collect();
        format!("there is no limit `{name}`; there are {}", names.join(", "))
    })?;
    let (unit, least, most) = (limit.unit, limit.unit.words(limit.unit.least()), limit.unit.words(limit.most));
    let example = unit.words(limit.default).replace(' ', "");
    let number = unit.parse(value).ok_or_else(|| format!("{name}: `{value}` is no whole number as in {name}={example}"))?;
    if number < unit.least() {
        return Err(format!("{name}: {value} would take nothing; write at least {least}"));
    }
    if number > limit.most {
        return Err(format!("{name}: {value} is more than {most}, and {}; write at most {most}", limit.why_not_more));
    }
    Ok((limit, number))
}

/// What `--help` says.
pub(super) fn help() -> String {
    let mut text =
        "What requests and items may measure, as `event=2MiB, attachment=50MiB`. What is not named keeps its default:\n".to_owned();
    for limit in LIMITS {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n{:22}{:>8}  {}", limit.name, limit.unit.words(limit.default), limit.about());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::limits::{GIB, KIB, MIB};

    /// The problems, with the journal of a default installation.
    fn problems(text: &str) -> Vec<String> {
        parse(text, GIB).unwrap_err()
    }

    #[test]
    fn what_is_named_changes_and_the_rest_does_not() {
        assert_eq!(parse("", GIB), Ok(Limits::default()));
        let expected = Limits { event: 2 * MIB, attachment: 50 * MIB, attachments_count: 10, ..Limits::default() };
        for text in ["event=2MiB,attachment=50MiB,attachments_count=10", " Event = 2 MiB ;\nattachment=50M,, attachments-count=10,"] {
            assert_eq!(parse(text, GIB), Ok(expected), "{text}");
        }
        for limit in LIMITS {
            let mut expected = Limits::default();
            (limit.set)(&mut expected, limit.default - 1);
            let Limits { envelope, attachments_total, .. } = expected;
            expected.attachment = expected.attachment.min(attachments_total).min(envelope);
            expected.attachments_total = attachments_total.min(envelope);
            assert_eq!(parse(&format!("{}={}", limit.name, limit.default - 1), GIB), Ok(expected), "{}", limit.name);
        }
    }

    #[test]
    fn what_is_not_named_is_lowered_to_what_holds_it() {
        let limits = parse("envelope=5MiB", GIB).unwrap();
        assert_eq!((limits.envelope, limits.attachments_total, limits.attachment, limits.profile), (5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB));
        assert_eq!((limits.event, limits.otlp_logs, limits.attachments_count), (MIB, 2 * MIB, 30));
        let limits = parse("attachments_total=20MiB", GIB).unwrap();
        assert_eq!((limits.envelope, limits.attachment), (100 * MIB, 20 * MIB));
        // The smallest journal there may be.
        let limits = parse("", 64 * MIB).unwrap();
        assert_eq!((limits.envelope, limits.attachment, limits.profile, limits.event), (32 * MIB, 32 * MIB, 32 * MIB, MIB));
    }

    #[test]
    fn all_mistakes_are_said_with_the_reason_and_what_to_write() {
        let all =
            problems("evnet=2MiB, event, session=0, store=2 apples, span=1GiB, nel=1MiB, nel=2MiB, sessions_count=4KiB, security=12MB");
        assert_eq!(all.len(), 8, "{all:#?}");
        for (problem, words) in [
            (0, "there is no limit `evnet`; there are envelope, store,"),
            (1, "`event` is no name with a value, such as event=2MiB"),
            (2, "session: 0 would take nothing; write at least 1 KiB"),
            (3, "store: `2 apples` is no whole number as in store=1MiB"),
            (
                4,
                "span: 1GiB is more than 64 MiB, and as the body of a request it is whole in memory, sixteen at a time; write at most 64 MiB",
            ),
            (5, "nel stands here twice: leave one"),
            (6, "sessions_count: `4KiB` is no whole number as in sessions_count=100"),
            (7, "security: 12MB is more than 8 MiB, and it is whole in memory, in every request at the same time; write at most 8 MiB"),
        ] {
            assert!(all[problem].starts_with(words), "{}", all[problem]);
        }
    }

    #[test]
    fn what_is_larger_than_what_holds_it_is_a_mistake() {
        let words = "attachment: 200 MiB do not fit into attachments_total, which is 100 MiB: raise that too, or write at most 100 MiB";
        assert_eq!(problems("attachment=200MiB"), [words]);
        let words = "event: 2 MiB do not fit into envelope, which is 1 MiB: raise that too, or write at most 1 MiB";
        assert_eq!(problems("event=2MiB, envelope=1MiB"), [words]);
        let words = "envelope: 600 MiB do not fit into half of the journal (VEDETTE_JOURNAL_MIB), which is 512 MiB: raise that too, or write at most 512 MiB";
        assert_eq!(problems("envelope=600MiB"), [words]);
        let large = "envelope=600MiB, attachments_total=600MiB, attachment=600MiB";
        assert_eq!(problems(large).len(), 3, "the attachments fit no better");
        assert_eq!(parse(large, 2 * GIB).unwrap().attachment, 600 * MIB);
        assert_eq!(problems("envelope=1KiB, event=2KiB").len(), 1);
        assert_eq!(parse("envelope=1KiB", GIB).unwrap().header_line, KIB);
    }

    #[test]
    fn help_names_every_limit() {
        let help = help();
        for limit in LIMITS {
            assert!(help.contains(limit.name) && help.contains(limit.about()));
        }
        assert!(help.contains("\nevent                    1 MiB  An event, feedback"), "{help}");
    }
}
