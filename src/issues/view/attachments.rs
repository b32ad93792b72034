//! The files of an event, as the issue page lists them.

use uuid::Uuid;

use crate::accounts::IssueId;
use crate::events::attachments::{LISTED, Listed};
use crate::web::page::HOSTILE;
use crate::web::{number, urls};

/// Pictures up to this size stand on the page; larger ones are for who asks for them.
const SHOWN: i64 = 10 << 20;

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

/// All files of the shown event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachmentList {
    /// In the order in which they came.
    pub rows: Vec<AttachmentRow>,
    /// Said when there are more than are listed.
    pub note: Option<String>,
}

impl AttachmentList {
    /// The files of an event.
    pub fn new(issue: IssueId, event: Uuid, files: &[Listed]) -> Self {
        let row = |file: &Listed| AttachmentRow {
            href: urls::attachment(issue, event.simple(), file.attachment_id.simple()),
            name: file.filename.clone(),
            what: what(file),
            size: number::bytes(file.size.unsigned_abs()),
            is_picture: !file.image.is_empty() && file.size <= SHOWN,
        };
        let is_cut = files.len() as i64 >= LISTED;
        Self { rows: files.iter().map(row).collect(), note: is_cut.then(|| format!("the first {LISTED}")) }
    }

    /// "3 files", or what is said when there are more.
    pub fn head(&self) -> String {
        self.note.clone().unwrap_or_else(|| number::counted(self.rows.len() as i64, "file"))
    }

    pub(super) fn sample() -> Self {
        let row = |name: &str, what: &str, size: u64, is_picture| AttachmentRow {
            href: urls::attachment(1842, "fc6d8c0c43fc4630ad850ee518f1b9d0", "0123456789abcdef0123456789abcdef"),
            name: name.to_owned(),
            what: what.to_owned(),
            size: number::bytes(size),
            is_picture,
        };
        let rows = vec![row("checkout.log", "text/plain", 18_400, false), row("crash.dmp", "minidump", 4_210_688, false)];
        Self { rows, note: None }
    }

    pub(super) fn hostile() -> Self {
        let mut list = Self::sample();
        for row in &mut list.rows {
            (row.name, row.what) = (HOSTILE.to_owned(), HOSTILE.to_owned());
            row.is_picture = true;
        }
        list
    }
}

/// What a file is: by its attachment type where that says something, else by its content type.
fn what(file: &Listed) -> String {
    match file.kind.as_str() {
        "event.attachment" => {}
        "event.minidump" => return "minidump".to_owned(),
        "event.applecrashreport" => return "Apple crash report".to_owned(),
        "event.payload" => return "event as msgpack".to_owned(),
        "event.breadcrumbs" => return "breadcrumbs as msgpack".to_owned(),
        "event.view_hierarchy" => return "view hierarchy".to_owned(),
        other => return other.to_owned(),
    }
    if file.image.is_empty() { file.content_type.clone() } else { file.image.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::ProjectId;

    #[test]
    fn files_are_named_by_what_is_known_of_them() {
        let file = |kind: &str, content_type: &str, image: &str, size| Listed {
            attachment_id: Uuid::from_u128(7),
            filename: "x".to_owned(),
            content_type: content_type.to_owned(),
            kind: kind.to_owned(),
            image: image.to_owned(),
            size,
        };
        let list = AttachmentList::new(
            IssueId::new(ProjectId(1), 7),
            Uuid::from_u128(1),
            &[
                file("event.attachment", "text/plain", "", 20),
                file("event.attachment", "text/html", "image/png", 2048),
                file("event.minidump", "", "", 3 << 20),
                file("event.attachment", "image/png", "image/png", SHOWN + 1),
                file("unreal.logs", "", "", 0),
            ],
        );
        let rows: Vec<_> = list.rows.iter().map(|row| (&*row.what, &*row.size, row.is_picture)).collect();
        assert_eq!(
            rows,
            [
                ("text/plain", "20 B", false),
                ("image/png", "2.0 KB", true),
                ("minidump", "3.1 MB", false),
                ("image/png", "10.5 MB", false),
                ("unreal.logs", "0 B", false),
            ]
        );
        assert_eq!(
            (list.rows[0].href.as_str(), list.head().as_str()),
            ("/issues/4294967303/events/00000000000000000000000000000001/attachments/00000000000000000000000000000007", "5 files")
        );
        let many =
            AttachmentList::new(IssueId::new(ProjectId(1), 7), Uuid::nil(), &vec![file("event.minidump", "", "", 1); LISTED as usize]);
        assert_eq!(many.head(), "the first 200");
    }
}
