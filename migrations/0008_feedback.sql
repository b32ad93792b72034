-- 0008_feedback: what people say about errors. Written by digest in the batch's transaction, changed by the feedback page; read by feedback/.
-- A new table only: no locks on others. Old code does not know it and keeps working.

create table feedback (
    project_id int not null,
    feedback_id bigint generated always as identity,
    -- feedback: an item with an id of its own; report: a user report or the error page's form, of which an event has one.
    kind text not null,
    -- feedback: its own id; report: the event's.
    report_id uuid not null,
    -- The event it is about, known here or not: either may arrive first.
    event_id uuid,
    -- That event's issue, set when both are there.
    issue_id bigint,
    name text not null,
    email text not null,
    message text not null,
    url text not null,
    replay_id text not null,
    -- How it was given: widget, api, error page …
    source text not null,
    release text not null,
    environment text not null,
    received timestamptz not null,
    -- When the words that stand here were received: a report may be corrected for some minutes.
    said_at timestamptz not null,
    status text not null default 'open',
    -- When the status last changed, and by whom; null: never.
    status_changed_at timestamptz,
    status_changed_by bigint,
    primary key (project_id, feedback_id),
    constraint feedback_report_key unique (project_id, kind, report_id),
    constraint feedback_kind check (kind in ('feedback', 'report')),
    constraint feedback_status check (status in ('open', 'resolved', 'spam')),
    constraint feedback_lengths check (length(message) <= 4096 and length(name) <= 256 and length(email) <= 256 and length(url) <= 2048
        and length(replay_id) <= 64 and length(source) <= 64 and length(release) <= 256 and length(environment) <= 64)
);
-- The page of a project, newest first.
create index feedback_received_idx on feedback (project_id, status, received desc, feedback_id desc);
-- The issue page.
create index feedback_issue_idx on feedback (project_id, issue_id, received desc) where issue_id is not null;
-- What waits for its event: every new event is looked up here, so it holds nothing else.
create index feedback_waiting_idx on feedback (project_id, event_id) where issue_id is null and event_id is not null;
-- Retention.
create index feedback_age_idx on feedback (received);
