-- A regrouping that ended at what had come in when it began, and one issue whose users are being found again.
update regroupings set until = now() where project_id = 1 and kind = 'rules';
insert into regrouping_users (project_id, regrouping_id, issue_id, kind, chunk, bitmap) values (1, 2, (1::bigint << 32) + 1, 'found', 0, '\x3a300000');
