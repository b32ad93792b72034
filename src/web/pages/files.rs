//! Files of clients, as pages list them: those of an event, and those of what a person said.

use crate::web::page::HOSTILE;
use crate::web::{number, urls};

/// What a native crash's dump is called.
pub const MINIDUMP: &str = "minidump";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRow {
    /// Where it is downloaded.
    pub href: String,
    /// Its name.
    pub name: String,
    /// "Minidump", "text/plain": what it is, as far as somebody said so.
    pub what: String,
    /// "1.2 MB".
    pub size: String,
    /// Whether it stands on the page as a picture.
    pub is_picture: bool,
}

/// All files of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachmentList {
    /// In the order in which they came.
    pub rows: Vec<AttachmentRow>,
    /// Said when there are more than are listed.
    pub note: Option<String>,
}

impl AttachmentList {
    /// "3 files", or what is said when there are more.
    pub fn head(&self) -> String {
        self.note.clone().unwrap_or_else(|| number::counted(self.rows.len() as i64, "file"))
    }

    /// A log and a dump.
    pub fn sample() -> Self {
        let row = |name: &str, what: &str, size: u64, is_picture| AttachmentRow {
            href: urls::attachment(1842, "fc6d8c0c43fc4630ad850ee518f1b9d0", "0123456789abcdef0123456789abcdef"),
            name: name.to_owned(),
            what: what.to_owned(),
            size: number::bytes(size),
            is_picture,
        };
        let rows = vec![row("checkout.log", "text/plain", 18_400, false), row("crash.dmp", MINIDUMP, 4_210_688, false)];
        Self { rows, note: None }
    }

    /// A picture of a shop, as a person sent it with their words.
    pub fn screenshot() -> Self {
        let mut list = Self::sample();
        list.rows.truncate(1);
        let row = &mut list.rows[0];
        (row.name, row.what, row.is_picture) = ("screenshot.png".to_owned(), "image/png".to_owned(), true);
        row.href = urls::feedback_attachment("shop-api", 7, "0123456789abcdef0123456789abcdef");
        list
    }

    /// The same with text that must come out inert.
    pub fn hostile() -> Self {
        let mut list = Self::sample();
        for row in &mut list.rows {
            (row.name, row.what) = (HOSTILE.to_owned(), HOSTILE.to_owned());
            row.is_picture = true;
        }
        list
    }
}
