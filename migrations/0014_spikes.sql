-- 0014_spikes: the spike detector at work. Counts that wait for it are written by digest and moved by nobody (events/fresh.rs); the states are
-- issues/'s (issues/spikes.rs), written by alerts/watch, read by the issue pages, marked by corrections; which minutes somebody listened is
-- alerts/watch's own. Old code keeps working: what it digests meanwhile is missing from the detector's minutes. Locks: issue_activity for an
-- instant (a constraint, not checked at once); reads issue_minutes once.

-- Events per issue and the minute they happened in, as a batch counted them: a row per batch, project and minute, deleted once the detector took it.
create table fresh_counts (
    project_id int not null,
    -- Minutes since 1970: when the events happened, and when the first of them was received.
    minute int not null,
    received int not null,
    fresh_id bigint generated always as identity,
    -- Side by side.
    issues bigint[] not null,
    events bigint[] not null,
    primary key (project_id, minute, fresh_id)
);
create index fresh_counts_minute_idx on fresh_counts (minute, fresh_id);

-- The detector's state of an issue. Each minute with events writes it anew, so its page has room for that; it is packed already.
create table issue_spikes (
    project_id int not null,
    issue_id bigint not null,
    -- alerts::spikes::Detector; null: to be made anew from minute counts, because the issue gained or lost events.
    state bytea,
    -- The last minute it took, and that minute's day, which changes rarely enough for an index.
    seen_until int not null default 0,
    seen_day int not null default 0,
    -- The spike that is on (issues::spikes::Spiking).
    spike jsonb,
    -- The figures of the last judgements (issues::spikes::Looks).
    looks jsonb,
    primary key (project_id, issue_id)
) with (fillfactor = 60);
alter table issue_spikes alter column state set storage external;
create index issue_spikes_on_idx on issue_spikes (project_id, issue_id) where spike is not null;
create index issue_spikes_day_idx on issue_spikes (seen_day);
-- Issues that had events lately: their states come from what is counted of them.
insert into issue_spikes (project_id, issue_id) select distinct project_id, issue_id from issue_minutes;

-- Minutes since 1970 in which some process took events. What is missing between two of them: nobody did.
create table heard_minutes (
    minute int primary key
);

-- Processes that take events, by their journals, and until when everything they received is digested.
create table listeners (
    journal uuid primary key,
    seen_at timestamptz not null,
    digested_until timestamptz not null
);

alter table issue_activity drop constraint issue_activity_kind;
alter table issue_activity add constraint issue_activity_kind
    check (kind in ('appeared', 'resolved', 'ignored', 'reopened', 'regressed', 'merged', 'split', 'regrouped', 'undone', 'spiked', 'calmed')) not valid;
alter table issue_activity validate constraint issue_activity_kind;
