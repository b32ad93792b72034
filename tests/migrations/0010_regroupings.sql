-- An issue that was merged into another, the correction that did it, and one by rules that is at work.
insert into issues (project_id, issue_id, status, level, title, culprit, kind, platform, first_seen, last_seen, created_at, status_changed_at, merged_into)
    values (1, (1::bigint << 32) + 900, 'merged', 'error', 'Merged', '', 'error', 'python', now(), now(), now(), now(), (1::bigint << 32) + 1);
insert into issue_hashes (project_id, hash, issue_id, decided) values (1, md5('decided')::uuid, (1::bigint << 32) + 1, true);
insert into issue_activity (project_id, issue_id, at, kind, detail) values (1, (1::bigint << 32) + 1, now(), 'merged', 'Merged');
insert into regroupings (project_id, kind, issue_id, state, made_at, changed_at) values (1, 'merge', (1::bigint << 32) + 1, 'done', now(), now());
insert into regroupings (project_id, kind, state, made_at, changed_at, rules) values (1, 'rules', 'moving', now(), now(), '{"fingerprint_rules": ""}');
insert into regrouping_hashes (project_id, regrouping_id, hash, before) values (1, 1, md5('decided')::uuid, (1::bigint << 32) + 900);
insert into regrouping_issues (project_id, regrouping_id, issue_id, is_made, status, status_changed_at, event_count, hour_count)
    values (1, 1, (1::bigint << 32) + 900, false, 'open', now(), 5, 3);
insert into regrouping_parts (project_id, regrouping_id, issue_id, hashes, events, first_at, sample, title)
    values (1, 2, (1::bigint << 32) + 1, array[md5('decided')::uuid], 3, now(), md5('event')::uuid, 'Boom');
insert into regrouping_users (project_id, regrouping_id, issue_id, kind, chunk, bitmap) values (1, 2, (1::bigint << 32) + 1, 'left', 0, '\x3a300000');
