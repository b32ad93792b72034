//! Standard output: the one place that writes to it.
//!
//! **When it breaks.** A reader that has seen enough (`vedette … | head`) closes its end: that is [`Closed`], with which a command ends as one that is done.

use std::io::{ErrorKind, Write};

use anyhow::Context as _;

/// Nobody reads the output any more. No failure: `main` ends quietly on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("standard output is closed")]
pub struct Closed;

/// Prints a line.
pub(super) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    all(&format!("{}\n", text.as_ref()))
}

/// Prints a text that has its own line ends.
pub(super) fn all(text: &str) -> anyhow::Result<()> {
    write(&mut std::io::stdout().lock(), text)
}

fn write(out: &mut impl Write, text: &str) -> anyhow::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        written => written.context("cannot write to standard output"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{Closed, write};

    /// A reader that went away, or a disk that is full.
    struct Refusing(io::ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_reader_that_went_away_is_no_failure() {
        assert_eq!(write(&mut Refusing(io::ErrorKind::BrokenPipe), "a").unwrap_err().downcast_ref(), Some(&Closed));
        let full = write(&mut Refusing(io::ErrorKind::StorageFull), "a").unwrap_err();
        assert!(!full.is::<Closed>());
        assert!(full.to_string().contains("standard output"), "{full}");
        let mut out = Vec::new();
        write(&mut out, "a\nb\n").unwrap();
        assert_eq!(out, b"a\nb\n");
    }
}
