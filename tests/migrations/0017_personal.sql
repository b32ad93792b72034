-- Issues ignored until a time, until more events, until more users; wishes of a person; a key.
insert into issue_snoozes (project_id, issue_id, until) values (1, (1::bigint << 32) + 1701, '2026-12-01T09:00:00Z');
insert into issue_snoozes (project_id, issue_id, events_left, asked) values (1, (1::bigint << 32) + 1702, 73, 100);
insert into issue_snoozes (project_id, issue_id, users_left, asked) values (1, (1::bigint << 32) + 1703, 10, 10);
insert into issue_activity (project_id, issue_id, at, kind, detail) values (1, (1::bigint << 32) + 1701, now(), 'unignored', 'its time was over');
insert into personal_settings (user_id, pace, quiet_from, quiet_until, time_zone) select user_id, 'daily', 1320, 420, 'Europe/Berlin' from users limit 1;
insert into personal_off (project_id, user_id, kind) select 1, user_id, 'new_issue' from users limit 1;
insert into personal_mutes (project_id, issue_id, user_id, muted_at) select 1, (1::bigint << 32) + 1701, user_id, now() from users limit 1;
insert into server_keys (name, key) values ('links', '\x00');
