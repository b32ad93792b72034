//! # Attachments: files that came with events
//! **Promise.** A file is found by its event, whichever of the two came first, until its day is dropped; the same file of the same event is kept
//! once. **How.** A row each in a partition per day. Few bytes stand in the row: a file of its own costs two syncs and an entry in every backup,
//! and goes less surely with its day; from [`IN_ROW`] on a row of bytes costs more (WAL, dumps, vacuum), and the row names a blob.
//! **When it breaks.** A row whose blob is gone says so when it is asked for ([`Stored::place`]).
//! **Not here.** Storing blobs (`digest`), deleting them ([`super::blobs`]), handing them out ([`super::hand_out()`]), how they look ([`super::view`]).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::ProjectId;
use crate::platform::blobs::BlobName;

/// Bytes up to which a file stands in its row.
pub const IN_ROW: usize = 32 * 1024;
/// Days before its event on which an attachment is looked for. Afterwards it may come at any time.
const DAYS_BEFORE: u64 = 7;
/// Attachments of one event that are listed.
pub const LISTED: i64 = 200;
/// Bytes of a file name that are kept.
const MAX_NAME: usize = 255;
/// Bytes of a content type or attachment type that are kept.
const MAX_TYPE: usize = 100;
/// What a file without a name is called.
const NAMELESS: &str = "unnamed attachment";
/// First bytes that tell a picture's type.
pub const HEAD: usize = 16;

/// What the bytes of a file say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// How many.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// The type of a picture that browsers may show; else empty.
    pub image: &'static str,
}

impl Facts {
    /// Of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: Sha256::digest(bytes).into(), image: image_type(bytes) }
    }
}

/// The type of a raster picture, by its first bytes. Never of what can hold a script, such as SVG.
pub fn image_type(head: &[u8]) -> &'static str {
    match head {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "",
    }
}

/// How a client called a file: cleaned of what no name needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// A plain file name: no directories, no control or direction characters, at most 255 bytes.
    pub filename: String,
    /// Its content type, as the client says.
    pub content_type: String,
    /// `event.attachment`, `event.minidump` …
    pub kind: String,
}

impl Label {
    /// Of the texts in an item's header.
    pub fn new(filename: Option<&str>, content_type: Option<&str>, kind: Option<&str>) -> Self {
        let kind = plain(kind.unwrap_or_default(), MAX_TYPE);
        Self {
            filename: file_name(filename.unwrap_or_default()),
            content_type: plain(content_type.unwrap_or_default(), MAX_TYPE),
            kind: if kind.is_empty() { "event.attachment".to_owned() } else { kind },
        }
    }

    /// What makes two files of an event the same one.
    pub fn id(&self, facts: &Facts) -> Uuid {
        let mut hash = Sha256::new();
        for text in [&self.filename, &self.content_type, &self.kind] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update(facts.sha256);
        let digest: [u8; 32] = hash.finalize().into();
        Uuid::from_slice(&digest[..16]).unwrap_or_default()
    }
}

/// The last part of a path, whatever system it is of.
fn file_name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = plain(last, MAX_NAME);
    if name.chars().all(|c| c == '.') { NAMELESS.to_owned() } else { name }
}

/// Without control characters, and without those that turn the direction of text (`gpj.exe` read from the right).
fn plain(text: &str, max: usize) -> String {
    let is_unwanted =
        |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let text: String = text.chars().filter(|c| !is_unwanted(*c)).collect();
    let text = text.trim();
    text[..text.floor_char_boundary(max)].trim_end().to_owned()
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the row.
    Row(Vec<u8>),
    /// In the blob store.
    Blob(BlobName),
}

/// A row of `attachments`.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    /// Whose.
    pub project: ProjectId,
    /// Of which event.
    pub event_id: Uuid,
    /// The UTC day of `received`.
    pub day: NaiveDate,
    /// When the request arrived.
    pub received: DateTime<Utc>,
    /// Its place in the request.
    pub number: i32,
    /// What it is called.
    pub label: Label,
    /// What it is.
    pub facts: Facts,
    /// Where its bytes are.
    pub place: Place,
}

/// What tells attachments apart.
pub type Key = (ProjectId, Uuid, Uuid);

impl NewAttachment {
    /// What tells it from others.
    pub fn key(&self) -> Key {
        (self.project, self.event_id, self.label.id(&self.facts))
    }

    const fn blob(&self) -> Option<&BlobName> {
        match &self.place {
            Place::Blob(name) => Some(name),
            Place::Row(_) => None,
        }
    }
}

/// Inserts attachments; the keys of those that are new. No two may have the same key.
pub async fn insert(db: &mut PgConnection, rows: &[&NewAttachment]) -> sqlx::Result<Vec<Key>> {
    let content = |row: &&NewAttachment| match &row.place {
        Place::Row(bytes) => Some(bytes.clone()),
        Place::Blob(_) => None,
    };
    let inserted = sqlx::query!(
        "insert into attachments (project_id, day, event_id, attachment_id, received, number, filename, content_type, kind, image, size, sha256, content, blob)
        select * from unnest($1::int[], $2::date[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::bigint[], $12::bytea[], $13::bytea[], $14::text[])
        on conflict (project_id, event_id, day, attachment_id) do nothing
        returning project_id, event_id, attachment_id",
        &rows.iter().map(|row| row.project.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.day).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.event_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.key().2).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.received).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.number).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.label.filename.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.label.content_type.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.label.kind.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.facts.image.to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.facts.size as i64).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.facts.sha256.to_vec()).collect::<Vec<_>>(),
        &rows.iter().map(content).collect::<Vec<_>>() as &[Option<Vec<u8>>],
        &rows.iter().map(|row| row.blob().map(|name| name.as_str().to_owned())).collect::<Vec<_>>() as &[Option<String>]
    );
    let inserted = inserted.fetch_all(db).await?;
    Ok(inserted.into_iter().map(|row| (ProjectId(row.project_id), row.event_id, row.attachment_id)).collect())
}

/// Which of these attachments stand on one of the days, ends included.
pub async fn stored_between(db: &mut PgConnection, keys: &[Key], (from, to): (NaiveDate, NaiveDate)) -> sqlx::Result<Vec<Key>> {
    let rows = sqlx::query!(
        r#"select a.project_id as "project_id!", a.event_id as "event_id!", a.attachment_id as "attachment_id!"
        from unnest($1::int[], $2::uuid[], $3::uuid[]) as wanted (project_id, event_id, attachment_id)
        join attachments a on a.project_id = wanted.project_id and a.event_id = wanted.event_id and a.attachment_id = wanted.attachment_id
        where a.day between $4 and $5"#,
        &keys.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2).collect::<Vec<_>>(),
        from,
        to
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (ProjectId(row.project_id), row.event_id, row.attachment_id)).collect())
}

/// An attachment in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What tells it from the event's others.
    pub attachment_id: Uuid,
    /// Its name.
    pub filename: String,
    /// What the client says it is.
    pub content_type: String,
    /// `event.attachment` …
    pub kind: String,
    /// The type of a picture, by its bytes; else empty.
    pub image: String,
    /// Bytes.
    pub size: i64,
}

/// The attachments of events that were received at those times, in the order in which they came; at most [`LISTED`] of each.
pub async fn list(db: &mut PgConnection, project: ProjectId, events: &[(Uuid, DateTime<Utc>)]) -> sqlx::Result<HashMap<Uuid, Vec<Listed>>> {
    // What has the same id, a report and feedback, has the same files.
    let mut wanted = BTreeMap::<Uuid, NaiveDate>::new();
    for (event, received) in events {
        let day = first_day(*received);
        wanted.entry(*event).and_modify(|first| *first = day.min(*first)).or_insert(day);
    }
    let rows = sqlx::query!(
        r#"select a.event_id as "event_id!", a.attachment_id as "attachment_id!", a.filename as "filename!", a.content_type as "content_type!",
            a.kind as "kind!", a.image as "image!", a.size as "size!"
        from unnest($2::uuid[], $3::date[]) as wanted (event_id, first_day)
        cross join lateral (
            select * from attachments where project_id = $1 and event_id = wanted.event_id and day >= wanted.first_day
            order by received, number, attachment_id
            limit $4) a
        order by a.event_id, a.received, a.number, a.attachment_id"#,
        project.0,
        &wanted.keys().copied().collect::<Vec<_>>(),
        &wanted.values().copied().collect::<Vec<_>>(),
        LISTED
    );
    let mut found = HashMap::<Uuid, Vec<Listed>>::new();
    for row in rows.fetch_all(db).await? {
        let (filename, content_type) = (row.filename, row.content_type);
        let listed = Listed { attachment_id: row.attachment_id, filename, content_type, kind: row.kind, image: row.image, size: row.size };
        found.entry(row.event_id).or_default().push(listed);
    }
    Ok(found)
}

fn first_day(received: DateTime<Utc>) -> NaiveDate {
    received.date_naive() - Days::new(DAYS_BEFORE)
}

/// An attachment to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub filename: String,
    /// The type of a picture, by its bytes; else empty.
    pub image: String,
    /// Bytes.
    pub size: i64,
    /// Where they are; nothing for a name that we cannot have written.
    pub place: Option<Place>,
}

/// One attachment of an event that was received at that time.
pub async fn read(db: &mut PgConnection, (project, event, attachment): Key, received: DateTime<Utc>) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query!(
        "select filename, image, size, content, blob from attachments
        where project_id = $1 and event_id = $2 and attachment_id = $3 and day >= $4
        order by day
        limit 1",
        project.0,
        event,
        attachment,
        first_day(received)
    );
    let stored = row.fetch_optional(db).await?.map(|row| Stored {
        filename: row.filename,
        image: row.image,
        size: row.size,
        place: row.content.map(Place::Row).or_else(|| row.blob.as_deref().and_then(BlobName::parse).map(Place::Blob)),
    });
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_no_name_needs() {
        for (sent, kept) in [
            ("screenshot.png", "screenshot.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ana\\log.txt", "log.txt"),
            ("a\0b\r\nc.txt", "abc.txt"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("..", NAMELESS),
            ("dir/", NAMELESS),
            ("  ", NAMELESS),
            ("\"quoted\"; filename=x", "\"quoted\"; filename=x"),
        ] {
            assert_eq!(Label::new(Some(sent), None, None).filename, kept, "{sent:?}");
        }
        let long = Label::new(Some(&"é".repeat(300)), Some(&"x".repeat(300)), Some(&"y".repeat(300)));
        assert_eq!((long.filename.len(), long.content_type.len(), long.kind.len()), (254, MAX_TYPE, MAX_TYPE));
        let none = Label::new(None, None, None);
        assert_eq!((&*none.filename, &*none.content_type, &*none.kind), (NAMELESS, "", "event.attachment"));
    }

    #[test]
    fn only_raster_pictures_are_pictures() {
        for (bytes, image) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp"),
            (b"RIFF\x01\x02\x03\x04WAVE", ""),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", ""),
            (b"<html>", ""),
            (b"MDMP", ""),
            (b"\x89PNG", ""),
            (b"", ""),
        ] {
            assert_eq!(image_type(bytes), image, "{bytes:?}");
        }
    }

    #[test]
    fn an_id_is_of_everything_that_people_tell_files_apart_by() {
        let label = |name: &str, kind: &str| Label::new(Some(name), Some("text/plain"), Some(kind));
        let (one, two) = (Facts::of(b"one"), Facts::of(b"two"));
        let id = label("a", "event.attachment").id(&one);
        assert_eq!(id, label("x/a", "event.attachment").id(&one));
        for other in
            [label("b", "event.attachment").id(&one), label("a", "event.minidump").id(&one), label("a", "event.attachment").id(&two)]
        {
            assert_ne!(id, other);
        }
    }
}
