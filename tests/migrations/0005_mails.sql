-- A composition that failed and one that led to mails, with their dead job; a test mail.
insert into mails (project_id, issue_id, recipient, kind, subject, text_body, html_body, message_id, status, reason, created_at, job_id)
    select 1, 4294967297, '', 'new_issue', '', '', '', '<' || status || '.job@errors.example>', status, 'a defect', now(), number
    from unnest(array['failed', 'replaced'], array[7, 8]) as jobs (status, number);
insert into mail_tests (user_id, at) select user_id, now() from users where is_admin;
