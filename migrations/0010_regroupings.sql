-- 0010_regroupings: people correct which events are one issue: merges, splits, and new rules applied to stored events, each of which can be undone.
-- Written by regroup/ (regroupings and what stands below them), issues/ and events/ (the new columns).
-- Old code keeps working: it never writes the new columns, and reads no issue that is merged, since it asks for a status. Locks: issue_hashes,
-- issues and events for an instant each (columns with constant defaults or none, constraints not checked at once); the checks then read issues
-- and issue_activity without holding up writers.

-- Somebody decided that this hash leads here: rules that are applied to stored events leave it alone.
alter table issue_hashes add column decided boolean not null default false;

-- Where a merged issue went: its old addresses lead there.
alter table issues add column merged_into bigint;
alter table issues drop constraint issues_status;
alter table issues add constraint issues_status check (status in ('open', 'resolved', 'ignored', 'merged')) not valid;
alter table issues validate constraint issues_status;
alter table issues add constraint issues_merged check ((status = 'merged') = (merged_into is not null)) not valid;
alter table issues validate constraint issues_merged;

create index issues_merged_idx on issues (project_id, merged_into) where merged_into is not null;

alter table issue_activity drop constraint issue_activity_kind;
alter table issue_activity add constraint issue_activity_kind
    check (kind in ('appeared', 'resolved', 'ignored', 'reopened', 'regressed', 'merged', 'split', 'regrouped', 'undone')) not valid;
alter table issue_activity validate constraint issue_activity_kind;

-- The hash an event had before stored events were last regrouped by rules; null: it was not moved then. Null costs no byte.
alter table events add column hash_before uuid;

-- One correction.
create table regroupings (
    project_id int not null,
    regrouping_id bigint generated always as identity,
    -- merge: issue_id takes others in; split: hashes leave issue_id; rules: stored events are grouped anew, of issue_id alone or of all.
    kind text not null,
    issue_id bigint,
    state text not null,
    made_by bigint,
    made_at timestamptz not null,
    changed_at timestamptz not null,
    -- rules: the project's rules that are applied, as in its settings.
    rules jsonb not null default '{}',
    -- The last event that was looked at.
    at_day date,
    at_received timestamptz,
    at_event uuid,
    looked_at bigint not null default 0,
    moved bigint not null default 0,
    error text not null default '',
    primary key (project_id, regrouping_id),
    constraint regroupings_kind check (kind in ('merge', 'split', 'rules')),
    constraint regroupings_state check (state in ('planning', 'moving', 'settling', 'done', 'confirmed', 'undoing', 'unsettling', 'undone', 'failed')),
    constraint regroupings_scope check (kind = 'rules' or issue_id is not null)
);
-- One at a time.
create unique index regroupings_active_key on regroupings (project_id) where state in ('planning', 'moving', 'settling', 'undoing', 'unsettling');

-- rules: what the stored events would become: how many of an issue get these hashes.
create table regrouping_parts (
    project_id int not null,
    regrouping_id bigint not null,
    issue_id bigint not null,
    hashes uuid[] not null,
    events bigint not null,
    first_at timestamptz not null,
    -- One of them, and what it is called.
    sample uuid not null,
    title text not null,
    primary key (project_id, regrouping_id, issue_id, hashes)
);

-- Where the hashes led that were led elsewhere; null: nowhere.
create table regrouping_hashes (
    project_id int not null,
    regrouping_id bigint not null,
    hash uuid not null,
    before bigint,
    before_decided boolean not null default false,
    primary key (project_id, regrouping_id, hash)
);
create index regrouping_hashes_before_idx on regrouping_hashes (project_id, regrouping_id, before);

-- The issues it touched, as they were; those it made; what is still to be settled of each.
create table regrouping_issues (
    project_id int not null,
    regrouping_id bigint not null,
    issue_id bigint not null,
    is_made boolean not null,
    status text not null,
    status_changed_at timestamptz not null,
    status_changed_by bigint,
    event_count bigint not null,
    -- Of these, counted in hours: the others are older than what is stored.
    hour_count bigint not null,
    -- It lost events: its users and times are to be found again.
    lost_events boolean not null default false,
    -- Its users are being found again; meanwhile it has only those that come new.
    users_taken boolean not null default false,
    primary key (project_id, regrouping_id, issue_id)
);

-- Bitmaps of users while an issue's users are found again: before, and those whose events left.
create table regrouping_users (
    project_id int not null,
    regrouping_id bigint not null,
    issue_id bigint not null,
    kind text not null,
    chunk int not null,
    bitmap bytea not null,
    primary key (project_id, regrouping_id, issue_id, kind, chunk),
    constraint regrouping_users_kind check (kind in ('before', 'left'))
);
