-- A rule, a mute without an end, and a fact that the rule decided.
insert into alert_rules (project_id, position, name, definition, changed_at) values (1, 1, 'Production first',
    '{"all": true, "groups": [{"all": false, "conditions": [{"not": false, "test": {"environment": ["prod*"]}}]}], "actions": ["everybody"], "minutes": 60}',
    now());
insert into alert_mutes (project_id, since, user_id) values (1, now(), 1);
insert into alert_facts (project_id, kind, issue_id, noted_at, rule_id, rule, events, users)
    select 1, 'spike', 4294967297, now(), rule_id, name, 41, 7 from alert_rules;
