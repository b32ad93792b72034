-- A small file in its row, a large one in the blob store, and a blob that nobody has yet.
create table attachments_20261124 partition of attachments for values from ('2026-11-24') to ('2026-11-25');
insert into attachments (project_id, day, event_id, attachment_id, received, number, filename, content_type, kind, image, size, sha256, content, blob)
    select project_id, '2026-11-24'::date, md5('event')::uuid, md5('note')::uuid, first_seen, 0, 'note.txt', 'text/plain', 'event.attachment', '', 2,
        sha256('hi'), 'hi'::bytea, null from issues
    union all
    select project_id, '2026-11-24'::date, md5('event')::uuid, md5('dump')::uuid, first_seen, 1, 'crash.dmp', 'application/x-dmp', 'event.minidump', '', 4000000,
        sha256('dump'), null, project_id || '/20261124/0123456789abcdef0123456789abcdef' from issues;
insert into pending_blobs (project_id, blob, since) select project_id, project_id || '/20261124/fedcba9876543210fedcba9876543210', first_seen from issues;
