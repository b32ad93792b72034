-- 0013_facts: what happened that people are told of, and for each person what became of it: told in which mail, gathered into a later one, and why.
-- Written by alerts/. Old code keeps working: it writes none of it. Locks: none that anybody holds (new tables).

create table alert_facts (
    project_id int not null,
    fact_id bigint generated always as identity,
    -- new_issue, regression …
    kind text not null,
    issue_id bigint,
    event_id uuid,
    -- What the mail about it needs.
    detail jsonb not null default '{}',
    noted_at timestamptz not null,
    primary key (project_id, fact_id)
);
create index alert_facts_issue_idx on alert_facts (project_id, issue_id, fact_id) where issue_id is not null;
create index alert_facts_noted_idx on alert_facts (noted_at);

create table alert_decisions (
    project_id int not null,
    fact_id bigint not null,
    -- 0: nobody in particular, because there was nobody.
    user_id bigint not null,
    status text not null,
    reason text not null default '',
    -- told: by this mail.
    mail_id bigint,
    decided_at timestamptz not null,
    primary key (project_id, fact_id, user_id),
    constraint alert_decisions_status check (status in ('told', 'gathered', 'dropped'))
);
-- What waits for a person's next mail.
create index alert_decisions_waiting_idx on alert_decisions (project_id, user_id, fact_id) where status = 'gathered';
create index alert_decisions_user_idx on alert_decisions (user_id, fact_id desc);

-- How often a person hears of a project.
create table alert_paces (
    project_id int not null,
    user_id bigint not null,
    last_at timestamptz,
    -- When the next mail for what is gathered is made.
    due_at timestamptz,
    -- Minutes from one mail to the next.
    pause int not null,
    primary key (project_id, user_id)
);

-- How many mails a person got in the hour that began then, of all projects.
create table alert_caps (
    user_id bigint primary key,
    hour_from timestamptz not null,
    mails int not null
);
