-- A channel that fails, what it was told, what waits for it, and its pace.
insert into channels (project_id, kind, label, hint, sealed, created_at, failing_since, failure)
    select project_id, 'slack', 'Alerts', 'hooks.slack.com/…Xy9z', '\x01', now(), now(), '404 Not Found' from projects order by project_id limit 1;
insert into mails (project_id, recipient, kind, subject, text_body, html_body, message_id, status, created_at, channel_id, message)
    select 1, 'Slack: Alerts', 'new_issue', 'New', 'New', '', '5f7d', 'failed', now(), channel_id, '{}' from channels;
insert into alert_decisions (project_id, fact_id, user_id, channel_id, status, decided_at)
    select 1, f.fact_id, 0, c.channel_id, 'gathered', now() from alert_facts f, channels c limit 1;
insert into alert_paces (project_id, user_id, channel_id, last_at, pause) select 1, 0, channel_id, now(), 5 from channels;
insert into alert_caps (user_id, channel_id, hour_from, mails) select 0, channel_id, now(), 3 from channels;
