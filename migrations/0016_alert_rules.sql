-- 0016_alert_rules: rules that say who is told of what, and projects that nobody is told of for a while; facts remember the rule that decided, and how
-- often their issue had been seen by then. Written by alerts/rules; a mute is read with the session, for the notice on a project's pages.
-- Old code keeps working: it tells everybody, as before. Locks: alert_facts for an instant (columns without a rewrite).

create table alert_rules (
    project_id int not null,
    rule_id bigint generated always as identity,
    -- From the top; the first that matches decides.
    position int not null,
    name text not null,
    is_on boolean not null default true,
    -- alerts::rules::Definition: conditions, whom to tell, how often.
    definition jsonb not null,
    changed_at timestamptz not null,
    primary key (project_id, rule_id)
);

create table alert_mutes (
    project_id int primary key,
    since timestamptz not null,
    -- null: until somebody ends it.
    until timestamptz,
    -- Who did it.
    user_id bigint not null
);

alter table alert_facts
    -- The rule that decided; null: none matched.
    add column rule_id bigint,
    -- Its name then: it may be renamed and deleted.
    add column rule text not null default '',
    -- Events and users of the issue at that time.
    add column events bigint,
    add column users bigint;
