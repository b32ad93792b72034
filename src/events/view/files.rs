//! The files of one event, as rows of a page.

use uuid::Uuid;

use crate::events::attachments::{LISTED, Listed};
use crate::web::number;
use crate::web::pages::files::{AttachmentList, AttachmentRow, MINIDUMP};

/// Pictures up to this size stand on the page; larger ones are for who asks for them.
const SHOWN: i64 = 10 << 20;

/// The files, each at the address where it is handed out.
pub fn file_list(files: &[Listed], href: impl Fn(Uuid) -> String) -> AttachmentList {
    let row = |file: &Listed| AttachmentRow {
        href: href(file.attachment_id),
        name: file.filename.clone(),
        what: what(file),
        size: number::bytes(file.size.unsigned_abs()),
        is_picture: !file.image.is_empty() && file.size <= SHOWN,
    };
    let is_cut = files.len() as i64 >= LISTED;
    AttachmentList { rows: files.iter().map(row).collect(), note: is_cut.then(|| format!("the first {LISTED}")) }
}

/// What a file is: by its attachment type where that says something, else by its content type.
fn what(file: &Listed) -> String {
    match file.kind.as_str() {
        "event.attachment" => {}
        "event.minidump" => return MINIDUMP.to_owned(),
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
    use crate::accounts::{IssueId, ProjectId};
    use crate::web::urls;

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
        let issue = IssueId::new(ProjectId(1), 7);
        let href = |file: Uuid| urls::attachment(issue, Uuid::from_u128(1).simple(), file.simple());
        let list = file_list(
            &[
                file("event.attachment", "text/plain", "", 20),
                file("event.attachment", "text/html", "image/png", 2048),
                file("event.minidump", "", "", 3 << 20),
                file("event.attachment", "image/png", "image/png", SHOWN + 1),
                file("unreal.logs", "", "", 0),
            ],
            href,
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
        let many = file_list(&vec![file("event.minidump", "", "", 1); LISTED as usize], href);
        assert_eq!(many.head(), "the first 200");
    }
}
