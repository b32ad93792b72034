-- 0018_project_watch: what the spike detector keeps of a project as a whole, when its events last arrived, and troubles of Vedette itself that
-- administrators were told of. Written by alerts/watch and alerts/trouble. Old code keeps working: it writes none of it. Locks: mails, while an index is built.

create table project_watch (
    project_id int primary key,
    -- alerts::spikes::Detector over all events of the project; null: to be made anew from project_minutes.
    state bytea,
    -- The last minute it took.
    seen_until int not null default 0,
    -- The surge that is on (issues::spikes::Spiking).
    surge jsonb,
    -- It comes from few issues so far: their own spikes tell of it.
    is_narrow boolean not null default false,
    -- The last minute (since 1970) with events.
    last_minute int not null,
    -- Minutes of the longest silence in the week before; null: not asked since the last event; -1: silence says nothing here.
    longest int,
    -- The minute at which the silence is looked at next.
    look_at int not null default 0,
    -- People were told that events stopped.
    stopped_at timestamptz
) with (fillfactor = 60);
alter table project_watch alter column state set storage external;

-- Troubles of Vedette itself that are on, by name and process.
create table troubles (
    name text not null,
    -- The journal of the process that has it; nil: it is everybody's.
    journal uuid not null,
    -- What administrators are told.
    words text not null,
    since timestamptz not null,
    seen_at timestamptz not null,
    -- Nobody was told yet.
    told_at timestamptz,
    primary key (name, journal)
);

-- Mails that wait, for who asks whether they go out. Locks mails against writes while it is built: the table is bounded by retention.
create index mails_queued_idx on mails (created_at) where status = 'queued';
