//! The fuzzer's kept corpus, replayed without the fuzzer: what it found once fails here should it come back.

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use checks::{Pieces, TARGETS};
use vedette::ingest::{Settings, envelope_of_crash};
use vedette::protocol::Limits;
use vedette::protocol::envelope::Envelope;
use vedette::protocol::limits::KIB;
use vedette::protocol::multipart::boundary_of_body;

#[expect(unreachable_pub, reason = "the fuzzer's programs call what is in it")]
#[path = "../../fuzz/checks/mod.rs"]
mod checks;

fn fuzz(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(place)
}

fn entries(place: &str) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(fuzz(place)).unwrap().map(|entry| entry.unwrap().path())
}

fn names(place: &str) -> BTreeSet<String> {
    entries(place).map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Calls a check with every kept input of a target, and names the one that fails.
fn replay(target: &str, check: impl Fn(&[u8]) + panic::RefUnwindSafe) {
    for input in entries(&format!("corpus/{target}")) {
        let data = fs::read(&input).unwrap();
        assert!(panic::catch_unwind(|| check(&data)).is_ok(), "{target} fails on {}", input.display());
    }
}

#[test]
fn what_was_found_holds() {
    for (target, check) in TARGETS {
        replay(target, check);
    }
}

/// An upload is the same envelope however it comes, within its limits, and with one event.
#[test]
fn crash_uploads_become_envelopes() {
    // Small, so that bombs reach them.
    let limits = Limits { event: 64 * KIB, attachment: 64 * KIB, attachments_total: 128 * KIB, ..Limits::default() };
    let settings = Arc::new(Settings { limits, ..Settings::default() });
    let context = (&settings, "580c0000000000000000000000000020".parse().unwrap());
    let taken = |body: &[u8], boundary: Option<&[u8]>, size: usize| {
        let whole = envelope_of_crash(&mut &*body, boundary, context);
        let pieces = envelope_of_crash(&mut Pieces { rest: body, size }, boundary, context);
        // Where two things are wrong, the one that is named may be the one that came first.
        assert_eq!(pieces.as_ref().ok(), whole.as_ref().ok(), "pieces make no difference");
        let Ok(envelope) = whole else { return false };
        let items = Envelope::parse(&envelope).and_then(|envelope| envelope.collect_items()).unwrap();
        let (events, files): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.header.kind().is_event_like());
        assert_eq!(events.len(), 1, "a crash is an event");
        assert!(events.iter().all(|event| event.payload.len() as u64 <= limits.event));
        assert!(files.iter().all(|file| file.payload.len() as u64 <= limits.attachment));
        assert!(files.iter().map(|file| file.payload.len() as u64).sum::<u64>() <= limits.attachments_total);
        true
    };
    let count = AtomicUsize::new(0);
    replay("multipart", |data| {
        let Some((&size, body)) = data.split_first() else { return };
        let size = usize::from(size) + 1;
        // As a dump that has no form around it, and as a form.
        let mut is_taken = taken(body, None, size);
        if let Some(Some(boundary)) = boundary_of_body(body) {
            is_taken |= taken(body, Some(&boundary), size);
        }
        count.fetch_add(usize::from(is_taken), Ordering::Relaxed);
    });
    assert!(count.into_inner() >= 10, "the corpus has uploads that are taken");
}

#[test]
fn every_target_has_its_program_its_corpus_and_its_words() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("dictionaries"), targets);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    assert!(targets.iter().all(|target| manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\""))));
}

#[test]
fn what_is_fuzzed_has_the_products_dependencies() {
    let product = fs::read_to_string(fuzz("../Cargo.toml")).unwrap();
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    let dependencies = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.is_empty());
    for dependency in dependencies.filter(|line| !line.starts_with("libfuzzer-sys ")) {
        assert!(product.lines().any(|line| line == dependency), "fuzz/Cargo.toml has {dependency}, and Cargo.toml has not");
    }
    // The other way round: what the rooms name of the product's dependencies.
    let mut sources = Vec::new();
    for room in ["event", "grouping", "protocol"] {
        sources_below(&fuzz("../src").join(room), &mut sources);
    }
    let sources = sources.concat();
    let names = product.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    for name in names.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name) {
        let is_used = sources.contains(&format!(" {}::", name.replace('-', "_")));
        let is_there = manifest.lines().any(|line| line.starts_with(&format!("{name} = ")));
        assert!(!is_used || is_there, "what is fuzzed uses {name}, and fuzz/Cargo.toml has it not");
    }
}

/// The texts of a directory's Rust files, but for those of tests, which the fuzzer does not build.
fn sources_below(directory: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().unwrap() != "tests" {
            sources_below(&path, texts);
        } else if path.extension().is_some_and(|it| it == "rs") && path.file_name().unwrap() != "tests.rs" {
            let text = fs::read_to_string(path).unwrap();
            texts.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}

#[test]
fn the_corpus_stays_small() {
    // What the fuzzer found here lately has names of 40 hex digits, and is not in the repository.
    let is_kept = |path: &PathBuf| path.file_name().unwrap().len() != 40;
    let kept = TARGETS.iter().flat_map(|(target, _)| entries(&format!("corpus/{target}"))).filter(is_kept);
    let total: u64 = kept.map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(total < 3_000_000, "{total} bytes");
}
