//! As whom PostgreSQL runs. `initdb` and `postgres` refuse root, so a server started as root hands them to an unprivileged account.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::PostgresError;

/// Accounts that may run the cluster of a server started as root, best first.
const CANDIDATES: &[&str] = &["postgres", "vedette", "_postgres", "nobody"];

/// The operating system account that owns the cluster and runs its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// We are root and must change to this account; otherwise it is the account we have.
    pub(super) change: bool,
}

impl Account {
    /// The account for a cluster: its owner when it exists (`home`), else ours, else the first unprivileged one there is.
    pub(super) fn choose(home: Option<&Path>) -> Result<Self, PostgresError> {
        let us = rustix::process::geteuid().as_raw();
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let owner = home.and_then(|home| home.metadata().ok()).map(|meta| (meta.uid(), meta.gid()));
        if us != 0 {
            return match owner {
                Some((uid, _)) if uid != us => Err(PostgresError::NotOurs {
                    cluster: home.unwrap_or(Path::new("")).to_owned(),
                    owner: name_of(&passwd, uid),
                    us: name_of(&passwd, us),
                }),
                _ => Ok(Self { name: name_of(&passwd, us), uid: us, gid: rustix::process::getegid().as_raw(), change: false }),
            };
        }
        if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
            return Ok(Self { name: name_of(&passwd, uid), uid, gid, change: true });
        }
        CANDIDATES.iter().find_map(|name| entry(&passwd, name)).ok_or_else(|| PostgresError::NoAccount { tried: CANDIDATES.join(", ") })
    }

    /// Makes `command` run as this account.
    pub(super) fn apply(&self, command: &mut Command) {
        if self.change {
            command.uid(self.uid).gid(self.gid);
        }
    }

    /// Gives a file or directory to this account.
    pub(super) fn give(&self, path: &Path) -> std::io::Result<()> {
        if self.change { std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// The first directory on the way to `dir` (itself included) that this account may not walk through.
    pub(super) fn blocked_at(&self, dir: &Path) -> Option<PathBuf> {
        if !self.change {
            return None;
        }
        let mut way: Vec<&Path> = dir.ancestors().collect();
        way.reverse();
        way.into_iter().find(|step| step.metadata().is_ok_and(|meta| !self.may_enter(&meta))).map(Path::to_owned)
    }

    fn may_enter(&self, meta: &fs::Metadata) -> bool {
        let bit = if meta.uid() == self.uid {
            0o100
        } else if meta.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        meta.permissions().mode() & bit != 0
    }
}

fn entry(passwd: &str, name: &str) -> Option<Account> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    let uid = fields.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
    Some(Account { name: name.to_owned(), uid, gid: fields.next()?.parse().ok()?, change: true })
}

fn name_of(passwd: &str, uid: u32) -> String {
    let text = uid.to_string();
    passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&text.as_str()))
        .map_or_else(|| format!("uid {text}"), |fields| fields[0].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104:PostgreSQL:/var/lib:/bin/sh\ntoor:x:0:0::/:/bin/sh\n";

    #[test]
    fn accounts_come_from_the_password_file_and_are_never_root() {
        assert_eq!(entry(PASSWD, "postgres"), Some(Account { name: "postgres".to_owned(), uid: 101, gid: 104, change: true }));
        assert_eq!(entry(PASSWD, "nobody").map(|account| account.uid), Some(65534));
        assert_eq!(entry(PASSWD, "toor"), None, "another name for root");
        assert_eq!(entry(PASSWD, "post"), None);
        assert_eq!(name_of(PASSWD, 101), "postgres");
        assert_eq!(name_of(PASSWD, 4242), "uid 4242");
    }

    #[test]
    fn a_private_parent_blocks_another_account() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("open");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o711)).unwrap();
        let stranger = Account { name: "stranger".to_owned(), uid: 4242, gid: 4242, change: true };
        assert_eq!(stranger.blocked_at(&inner).as_deref(), Some(dir.path()));
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(stranger.blocked_at(&inner), None);
    }
}
