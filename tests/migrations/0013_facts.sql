-- A fact that one person was told of and that waits for another.
insert into alert_facts (project_id, kind, issue_id, event_id, noted_at) values (1, 'new_issue', 4294967297, md5('event')::uuid, now());
insert into alert_decisions (project_id, fact_id, user_id, status, mail_id, decided_at) select 1, max(fact_id), 1, 'told', 1, now() from alert_facts;
insert into alert_decisions (project_id, fact_id, user_id, status, reason, decided_at)
    select 1, max(fact_id), 2, 'gathered', 'The next mail is due at 14:31.', now() from alert_facts;
insert into alert_paces (project_id, user_id, last_at, due_at, pause) values (1, 2, now(), now(), 5);
insert into alert_caps (user_id, hour_from, mails) values (2, now(), 3);
