//! The fuzzer's kept corpus, replayed without the fuzzer: what it found once fails here should it come back.

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use targets::TARGETS;

#[expect(unreachable_pub, reason = "the fuzzer's programs call what is in it")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

fn fuzz(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(place)
}

fn names(dir: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz(dir)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_found_holds() {
    for (target, check) in TARGETS {
        let inputs = fs::read_dir(fuzz("corpus").join(target)).unwrap();
        for input in inputs.map(|entry| entry.unwrap().path()) {
            let data = fs::read(&input).unwrap();
            assert!(panic::catch_unwind(|| check(&data)).is_ok(), "{target} fails on {}", input.display());
        }
    }
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
fn the_corpus_stays_small() {
    let size = |path: PathBuf| fs::metadata(path).unwrap().len();
    let kept = TARGETS.iter().flat_map(|(target, _)| fs::read_dir(fuzz("corpus").join(target)).unwrap()).map(|entry| entry.unwrap().path());
    // The fuzzer's own names are hex digits; what it found here lately is not in the repository.
    let is_kept = |path: &PathBuf| path.file_name().unwrap().to_str().is_some_and(|name| name.len() != 40);
    let total: u64 = kept.filter(is_kept).map(size).sum();
    assert!(total < 3_000_000, "{total} bytes");
}
