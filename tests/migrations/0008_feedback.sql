-- A report whose event is known, one that waits for its event, feedback without any event; each status.
insert into feedback (project_id, kind, report_id, event_id, issue_id, name, email, message, url, replay_id, source, release, environment, received, said_at)
    select project_id, 'report', md5('event')::uuid, md5('event')::uuid, issue_id, 'Ana', 'ana@example.test', 'It broke when I paid.', '', '', 'error page', '1.0',
        'production', '2026-11-24 14:34:00+00', '2026-11-24 14:36:00+00' from issues;
insert into feedback (project_id, kind, report_id, event_id, name, email, message, url, replay_id, source, release, environment, received, said_at, status)
    values (1, 'report', md5('later')::uuid, md5('later')::uuid, '', '', 'Buy cheap tea', '', '', 'user report', '', '', now(), now(), 'spam'),
        (1, 'feedback', md5('own')::uuid, null, 'Ben', '', 'I like it.', 'https://shop.example/cart', '', 'widget', '', 'production', now(), now(), 'resolved');
update feedback set status_changed_at = now(), status_changed_by = 1 where status <> 'open';
