//! Where PostgreSQL's programs are on this machine: looks in the usual places, asks each for its version, picks one.
//!
//! A cluster runs only on the major version that made it, so a present cluster decides which binaries are right; a new one takes the newest.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::PostgresError;

/// The oldest major version that the product's SQL is written for.
pub(super) const OLDEST_MAJOR: u32 = 14;

/// Directories that packages of Debian, Fedora, Alpine, openSUSE, Arch, Homebrew, MacPorts and source builds use.
/// `*` stands for one path part and is filled in from what is there.
const USUAL_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/lib/postgresql*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/bin",
    "/opt/local/lib/postgresql*/bin",
    "/Library/PostgreSQL/*/bin",
    "/usr/bin",
    "/usr/local/bin",
];

/// One installed PostgreSQL: the directory of its programs and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Holds at least `postgres` and `initdb`.
    pub dir: PathBuf,
    /// 15 in `15.18`.
    pub major: u32,
    /// What `postgres --version` said after the program's name, such as `15.18`.
    pub version: String,
}

impl Binaries {
    /// The path of one of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Every usable PostgreSQL on this machine, each once, newest first. `path` is a `PATH`-like list; `only` overrides every search.
pub(super) async fn installed(path: &OsStr, only: Option<&Path>) -> Vec<Binaries> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(dir) = only {
        places.push(dir.to_owned());
    } else {
        places.extend(std::env::split_paths(path));
        places.extend(asked_of_pg_config(path).await);
        places.extend(USUAL_PLACES.iter().flat_map(|pattern| fill_in(Path::new(pattern))));
    }
    let mut found: Vec<Binaries> = Vec::new();
    for place in places {
        // `/usr/local/bin/postgres` is often a link into the real directory, where the other programs are.
        let Ok(server) = place.join("postgres").canonicalize() else { continue };
        let Some(dir) = server.parent().filter(|dir| dir.join("initdb").exists()) else { continue };
        if found.iter().any(|known| known.dir == dir) {
            continue;
        }
        if let Some((major, version)) = version_of(&server).await {
            found.push(Binaries { dir: dir.to_owned(), major, version });
        }
    }
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    found
}

/// The binaries for a cluster of version `cluster`, or for a new cluster when there is none yet.
pub(super) fn choose(found: &[Binaries], cluster: Option<u32>) -> Result<Binaries, PostgresError> {
    let list = || found.iter().map(|b| format!("{} in {}", b.version, b.dir.display())).collect::<Vec<_>>().join(", ");
    match cluster {
        Some(major) => match found.iter().find(|b| b.major == major) {
            Some(binaries) => Ok(binaries.clone()),
            None => Err(PostgresError::WrongMajor { cluster: major, found: if found.is_empty() { "none".to_owned() } else { list() } }),
        },
        None => match found.first() {
            Some(newest) if newest.major >= OLDEST_MAJOR => Ok(newest.clone()),
            Some(_) => Err(PostgresError::TooOld { found: list() }),
            None => Err(PostgresError::NotInstalled),
        },
    }
}

async fn asked_of_pg_config(path: &OsStr) -> Option<PathBuf> {
    let program = std::env::split_paths(path).map(|dir| dir.join("pg_config")).find(|file| file.exists())?;
    let answer = Command::new(program).arg("--bindir").output().await.ok()?;
    let dir = String::from_utf8(answer.stdout).ok()?;
    Some(PathBuf::from(dir.trim_end()))
}

async fn version_of(server: &Path) -> Option<(u32, String)> {
    let answer = Command::new(server).arg("--version").output().await.ok()?;
    parse_version(&String::from_utf8_lossy(&answer.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15 and `15.18`; also `18beta1` and `17rc1`.
fn parse_version(line: &str) -> Option<(u32, String)> {
    let version = line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((digits.parse().ok()?, version.to_owned()))
}

/// The directories that a pattern with at most one `*` in one path part names.
fn fill_in(pattern: &Path) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::new()];
    for part in pattern {
        let text = part.to_string_lossy();
        let Some((before, after)) = text.split_once('*') else {
            for path in &mut paths {
                path.push(part);
            }
            continue;
        };
        paths = paths
            .iter()
            .filter_map(|path| path.read_dir().ok())
            .flatten()
            .filter_map(Result::ok)
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
            })
            .map(|entry| entry.path())
            .collect();
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries(major: u32) -> Binaries {
        Binaries { dir: PathBuf::from(format!("/pg/{major}")), major, version: format!("{major}.1") }
    }

    #[test]
    fn versions_of_packages_betas_and_nonsense() {
        for (line, want) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some((15, "15.18"))),
            ("postgres (PostgreSQL) 18beta1\n", Some((18, "18beta1"))),
            ("postgres (PostgreSQL) 9.6.24\n", Some((9, "9.6.24"))),
            ("bash: no such program\n", None),
            ("", None),
        ] {
            assert_eq!(parse_version(line), want.map(|(major, text)| (major, text.to_owned())), "{line:?}");
        }
    }

    #[test]
    fn a_cluster_keeps_its_major_and_a_new_one_takes_the_newest() {
        let found = || vec![binaries(17), binaries(15), binaries(13)];
        assert_eq!(choose(&found(), None).unwrap().major, 17);
        assert_eq!(choose(&found(), Some(15)).unwrap().major, 15);
        let missing = choose(&found(), Some(16)).unwrap_err().to_string();
        assert!(missing.contains("PostgreSQL 16") && missing.contains("17.1 in /pg/17"), "{missing}");
        let old = choose(&[binaries(13)], None).unwrap_err().to_string();
        assert!(old.contains("13.1") && old.contains("14"), "{old}");
        let none = choose(&[], None).unwrap_err().to_string();
        assert!(none.contains("apt-get install postgresql") && !none.contains('\n'), "one line that says what to install: {none}");
    }

    #[test]
    fn a_star_names_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["pg-14/bin", "pg-15/bin", "other/bin"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let mut filled = fill_in(&dir.path().join("pg-*/bin"));
        filled.sort();
        assert_eq!(filled, [dir.path().join("pg-14/bin"), dir.path().join("pg-15/bin")]);
    }
}
