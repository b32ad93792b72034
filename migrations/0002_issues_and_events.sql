-- 0002_issues_and_events: what people look at. Written by digest in one transaction per batch; read by issues/ and events/.
-- Every table has project_id first in its key, and no key or join crosses projects (docs/ARCHITECTURE.md). New tables only.

create table issues (
    project_id int not null,
    -- project_id << 32 | number: the number alone finds the project.
    issue_id bigint not null,
    status text not null default 'open',
    level text not null,
    title text not null,
    culprit text not null,
    -- What kind of thing the title is made of: error, csp, default … (grouping::Kind).
    kind text not null,
    platform text not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    first_release text not null default '',
    last_release text not null default '',
    event_count bigint not null default 0,
    user_count bigint not null default 0,
    created_at timestamptz not null,
    -- When the status last changed, and by whom (null: by an event).
    status_changed_at timestamptz not null,
    status_changed_by bigint,
    -- Set while the issue is open again after it was resolved.
    regressed_at timestamptz,
    regressed_in text not null default '',
    primary key (project_id, issue_id),
    constraint issues_id_belongs check (issue_id >> 32 = project_id),
    constraint issues_status check (status in ('open', 'resolved', 'ignored')),
    constraint issues_level check (level in ('fatal', 'error', 'warning', 'info', 'debug'))
) with (fillfactor = 70);
create index issues_last_seen_idx on issues (project_id, status, last_seen desc, issue_id desc);
create index issues_first_seen_idx on issues (project_id, status, first_seen desc, issue_id desc);
create index issues_event_count_idx on issues (project_id, status, event_count desc, issue_id desc);
create index issues_user_count_idx on issues (project_id, status, user_count desc, issue_id desc);

-- Which issue a grouping hash leads to.
create table issue_hashes (
    project_id int not null,
    hash uuid not null,
    issue_id bigint not null,
    primary key (project_id, hash)
);
create index issue_hashes_issue_idx on issue_hashes (project_id, issue_id);

create table issue_environments (
    project_id int not null,
    environment text not null,
    issue_id bigint not null,
    primary key (project_id, environment, issue_id),
    constraint issue_environments_length check (length(environment) <= 64)
);

create table issue_activity (
    project_id int not null,
    issue_id bigint not null,
    activity_id bigint generated always as identity,
    at timestamptz not null,
    kind text not null,
    user_id bigint,
    detail text not null default '',
    primary key (project_id, issue_id, activity_id),
    constraint issue_activity_kind check (kind in ('appeared', 'resolved', 'ignored', 'reopened', 'regressed'))
);

-- One row per event, in a partition per day of `received`. Uniqueness inside a day is here; across days digest looks (docs/ARCHITECTURE.md).
create table events (
    project_id int not null,
    day date not null,
    event_id uuid not null,
    issue_id bigint not null,
    received timestamptz not null,
    -- The grouping hash that led to the issue, so that a split finds its events.
    hash uuid not null,
    -- The normalised event as JSON, compressed by zstd; the frame names its dictionary.
    payload bytea not null,
    primary key (project_id, event_id, day)
) partition by range (day);
alter table events alter column payload set storage external;
create index events_issue_idx on events (project_id, issue_id, received);

-- Events per hour, issue and hash, for the retention period. Hours since 1970.
create table issue_hours (
    project_id int not null,
    issue_id bigint not null,
    hour int not null,
    hash uuid not null,
    events bigint not null,
    primary key (project_id, issue_id, hour, hash)
) with (fillfactor = 70);
create index issue_hours_hour_idx on issue_hours (hour);

-- Events per minute and issue, for some days. Minutes since 1970.
create table issue_minutes (
    project_id int not null,
    issue_id bigint not null,
    minute int not null,
    events bigint not null,
    primary key (project_id, issue_id, minute)
);
create index issue_minutes_minute_idx on issue_minutes (minute);

create table project_hours (
    project_id int not null,
    hour int not null,
    events bigint not null,
    primary key (project_id, hour)
) with (fillfactor = 50);

create table project_minutes (
    project_id int not null,
    minute int not null,
    events bigint not null,
    primary key (project_id, minute)
) with (fillfactor = 50);

-- Per issue and tag key: the values and how often, packed and bounded (events::tag_stats).
create table issue_tags (
    project_id int not null,
    issue_id bigint not null,
    key text not null,
    packed bytea not null,
    primary key (project_id, issue_id, key)
) with (fillfactor = 60);

-- People seen by a project, numbered from 0, so that an issue's users are bits.
create table project_users (
    project_id int not null,
    -- First 16 bytes of the SHA-256 of what identifies the user.
    identity uuid not null,
    number bigint not null,
    primary key (project_id, identity)
);

-- Affected users of an issue: a compressed bitmap per 65,536 user numbers.
create table issue_users (
    project_id int not null,
    issue_id bigint not null,
    chunk int not null,
    bitmap bytea not null,
    primary key (project_id, issue_id, chunk)
) with (fillfactor = 60);

-- How every received item ended, and what the SDKs say they dropped. Hours since 1970.
create table outcomes (
    project_id int not null,
    key_id int not null,
    hour int not null,
    -- protocol::Category::id
    category smallint not null,
    outcome text not null,
    reason text not null,
    quantity bigint not null,
    primary key (project_id, key_id, hour, category, outcome, reason)
) with (fillfactor = 60);
create index outcomes_hour_idx on outcomes (hour);

-- Which journal records digest has committed, per batch: after a crash the journal may hand some out again. The newest batches only.
create table digest_marks (
    journal uuid not null,
    batch bigint not null,
    -- Runs of sequence numbers, ends included.
    firsts bigint[] not null,
    lasts bigint[] not null,
    -- The records' times of receipt: a number that was given twice (a journal that was deleted) is told apart by them.
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (journal, batch)
);
