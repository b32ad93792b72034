-- Feedback that waits for the next mail, in a project that was told a moment ago.
insert into feedback (project_id, kind, report_id, name, email, message, url, replay_id, source, release, environment, received, said_at, told)
    values (1, 'feedback', md5('untold')::uuid, 'Cleo', 'cleo@example.test', 'And another thing.', '', '', 'widget', '', '', now(), now(), false);
insert into feedback_mails (project_id, last_at, due_at) values (1, now(), now() + interval '10 minutes'), (2, now(), null);
