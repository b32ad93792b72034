-- A waiting job, one under a lease, a dead one; mails in every state, one with an attempt.
insert into outbox (kind, payload, created_at, run_at, attempts, leased_until, state, last_error) values
    ('mail.send', '1', now(), now(), 0, null, 'waiting', ''),
    ('issue.appeared', '{"issue": 4294967297, "event": "00000000-0000-0000-0000-000000000001"}', now(), now(), 1, now() + interval '5 minutes', 'waiting', ''),
    ('mail.send', '2', now(), now(), 14, null, 'dead', '550 nobody of that name');
insert into mails (project_id, issue_id, user_id, recipient, kind, subject, text_body, html_body, message_id, status, reason, created_at, sent_at)
    select 1, 4294967297, 2, 'ana@example.test', 'new_issue', '[Shop] Boom', 'Boom', '<p>Boom</p>', '<' || status || '@errors.example>', status, '', now(),
        case when status = 'sent' then now() end
    from unnest(array['queued', 'sent', 'kept', 'failed', 'skipped']) as status;
-- A second project that begins its short ids as the first does: 0004 tells them apart.
insert into projects (dsn_id, slug, name, short_prefix, created_at, next_issue_number, next_user_number)
    values (78, 'shop-3', 'shop', 'Shop', '2026-11-02 10:00:00+00', 1, 0);
insert into mail_attempts (mail_id, attempt, at, result) select mail_id, 1, now(), '250 2.0.0 queued as 1' from mails where status = 'sent';
