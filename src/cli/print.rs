//! Standard output: the one place that writes to it.

/// Prints a line.
#[expect(clippy::print_stdout, reason = "results of commands go to standard output")]
pub(super) fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
}
