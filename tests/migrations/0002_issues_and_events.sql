-- One resolved issue with an event, its counters, tags and users, in every table of this migration.
create table events_20261124 partition of events for values from ('2026-11-24') to ('2026-11-25');
insert into issues (project_id, issue_id, status, level, title, culprit, kind, platform, first_seen, last_seen, first_release, last_release,
        event_count, user_count, created_at, status_changed_at, status_changed_by)
    select project_id, project_id::bigint << 32 | 1, 'resolved', 'error', 'Boom: it broke', 'shop in pay', 'error', 'python', '2026-11-24 14:33:07+00',
        '2026-11-24 14:33:07+00', '1.0', '1.0', 1, 1, '2026-11-24 14:33:07+00', '2026-11-24 15:00:00+00', 1
    from projects where slug = 'shop';
insert into issue_hashes (project_id, hash, issue_id) select project_id, md5('boom')::uuid, issue_id from issues;
insert into issue_environments (project_id, environment, issue_id) select project_id, 'production', issue_id from issues;
insert into issue_activity (project_id, issue_id, at, kind, user_id, detail) select project_id, issue_id, first_seen, 'appeared', null, '1.0' from issues
    union all select project_id, issue_id, status_changed_at, 'resolved', 1, '' from issues;
insert into events (project_id, day, event_id, issue_id, received, hash, payload)
    select project_id, '2026-11-24', md5('event')::uuid, issue_id, first_seen, md5('boom')::uuid, '\x28b52ffd' from issues;
insert into issue_hours (project_id, issue_id, hour, hash, events) select project_id, issue_id, 498758, md5('boom')::uuid, 1 from issues;
insert into issue_minutes (project_id, issue_id, minute, events) select project_id, issue_id, 29925513, 1 from issues;
insert into project_hours (project_id, hour, events) select project_id, 498758, 1 from issues;
insert into project_minutes (project_id, minute, events) select project_id, 29925513, 1 from issues;
insert into issue_tags (project_id, issue_id, key, packed) select project_id, issue_id, 'plan', '\x0101000104676f6c64' from issues;
insert into project_users (project_id, identity, number) select project_id, md5('ana')::uuid, 0 from issues;
insert into issue_users (project_id, issue_id, chunk, bitmap) select project_id, issue_id, 0, '\x3a300000010000000000000010000000' || '\x0000'::bytea from issues;
insert into outcomes (project_id, key_id, hour, category, outcome, reason, quantity) select project_id, key_id, 498758, 1, 'stored', '', 1 from project_keys;
insert into digest_marks (journal, batch, firsts, lasts, first_at, last_at) values (md5('journal')::uuid, 1, '{1,5}', '{3,5}', now(), now());
