-- A comment of two lines, and one of somebody who is gone.
insert into issue_activity (project_id, issue_id, at, kind, user_id, detail)
    select 1, (1::bigint << 32) + 1701, now(), 'commented', user_id, E'Seen after the deploy.\nRolled back.' from users limit 1;
insert into issue_activity (project_id, issue_id, at, kind, user_id, detail) values (1, (1::bigint << 32) + 1701, now(), 'commented', 9999999, 'Old.');
