-- 0007_attachments: files that came with events. Written by digest in the transaction of the events; read by the event page; dropped with the
-- day's events. New tables only.

-- One row per file, in a partition per day of `received`, as events are. An attachment may come before or after its event, or without it.
create table attachments (
    project_id int not null,
    day date not null,
    event_id uuid not null,
    -- First 16 bytes of the SHA-256 of name, types and content: the same file of the same event is the same attachment.
    attachment_id uuid not null,
    received timestamptz not null,
    -- Its place among those that came with it.
    number int not null,
    filename text not null,
    content_type text not null,
    -- event.attachment, event.minidump …: what the client says it is.
    kind text not null,
    -- The type of a picture by its first bytes, else empty: only these are shown.
    image text not null,
    size bigint not null,
    sha256 bytea not null,
    -- Where the bytes are: here, when they are few, or in the blob store under this name. A blob belongs to one row.
    content bytea,
    blob text,
    primary key (project_id, event_id, day, attachment_id),
    constraint attachments_place check ((content is null) <> (blob is null)),
    constraint attachments_image check (image in ('', 'image/png', 'image/jpeg', 'image/gif', 'image/webp'))
) partition by range (day);
-- For the sweep: which row has this blob? Few rows have one.
create index attachments_blob_idx on attachments (project_id, blob) where blob is not null;

-- Blobs that no row of `attachments` may have: noted before they are stored, taken out by the transaction that writes their row, put back when
-- retention drops it. What stays here, and is in no row, is deleted from the blob store after a while (events::blobs).
create table pending_blobs (
    project_id int not null,
    blob text not null,
    since timestamptz not null,
    primary key (project_id, blob)
);
create index pending_blobs_since_idx on pending_blobs (since);
