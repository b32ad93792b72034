-- Limits of a key; a bucket that nobody waits for, one that drops; a refused request, one that was taken in part, one that was nobody's.
update project_keys set limits = '{"events_minute": 100, "all_month": 1000000}' where is_active;
insert into quota_states (project_id, key_id, class, period, level, level_at, max_count, limited_since, limited_until, dropped) values
    (1, 0, 'events', 'month', 12345, now(), 0, null, null, 0),
    (1, 1, 'events', 'minute', 100, now(), 100, now() - interval '1 minute', now() + interval '6 seconds', 17);
insert into recent_requests (project_id, fingerprint, first_at, last_at, repeats, endpoint, status, refusal, detail, left_out, dsn, client, address) values
    (1, md5('a')::uuid, now(), now(), 3, 'envelope', 413, 'too_large', 'payload too large', '[]', '01234567...@errors.example/1', 'sentry.python/2.19.0', '192.0.2.7'),
    (1, md5('b')::uuid, now(), now(), 1, 'envelope', 200, '', '', '[[4, "invalid", "too_large:attachment", 104857601]]', '01234567...@errors.example/1', 'sentry.python/2.19.0', '192.0.2.7'),
    (0, md5('c')::uuid, now(), now(), 1, 'store', 403, 'unknown_key', 'event submission rejected with_reason: ProjectId', '[]', 'ffffffff...@errors.example/9', 'raven-python/6.10.0', '');
