-- An issue whose spike is on, one that is to be counted anew, counts that wait, a minute that was heard, a process.
insert into issue_spikes (project_id, issue_id, state, seen_until, seen_day, spike, looks) values (1, (1::bigint << 32) + 901, '\x01', 29925513, 20781,
    '{"since": "2026-11-24T14:33:00Z", "at": "2026-11-24T14:38:00Z", "words": "41 in 5 min, usually 2 per hour", "peak": 12, "told": true}',
    '{"last": {"at": "2026-11-24T14:38:00Z", "words": "41 in 5 min, usually 2 per hour", "surprise": 90.5, "threshold": 20.0, "held": "told"}, "highest": null}');
insert into issue_spikes (project_id, issue_id) values (1, (1::bigint << 32) + 902);
insert into fresh_counts (project_id, minute, received, issues, events) values (1, 29925513, 29925513, array[(1::bigint << 32) + 901], array[3]);
insert into heard_minutes (minute) values (29925513);
insert into listeners (journal, seen_at, digested_until) values (md5('journal')::uuid, now(), now());
insert into issue_activity (project_id, issue_id, at, kind, detail) values (1, (1::bigint << 32) + 901, now(), 'spiked', '41 in 5 min, usually 2 per hour');
