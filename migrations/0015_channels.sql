-- 0015_channels: where a project's facts go beside its members' mails: Slack, a webhook and others, each told, paced and logged as a person is.
-- Written by alerts/. Old code keeps working: it knows rows of persons only, and those have channel 0. Locks: alert_decisions for one build of its
-- key (written by jobs, which wait; 90 days of facts at most), alert_paces, alert_caps and mails for an instant.

create table channels (
    project_id int not null references projects (project_id) on delete cascade,
    channel_id bigint generated always as identity,
    -- webhook, slack, mattermost, discord, teams, ntfy
    kind text not null,
    label text not null,
    -- What people may know of the address: its host and last letters.
    hint text not null,
    -- Address and secret (platform::seal).
    sealed bytea not null,
    is_on boolean not null default true,
    created_at timestamptz not null,
    -- When somebody last had a test sent.
    tested_at timestamptz,
    -- Since when nothing gets through, and why; null: as far as is known it does.
    failing_since timestamptz,
    failure text not null default '',
    primary key (project_id, channel_id)
);
create index channels_failing_idx on channels (project_id) where failing_since is not null;

-- 0: a person. Where both are 0: nobody in particular.
alter table alert_decisions add column channel_id bigint not null default 0;
alter table alert_decisions drop constraint alert_decisions_pkey, add primary key (project_id, fact_id, user_id, channel_id);
create index alert_decisions_posting_idx on alert_decisions (project_id, channel_id, fact_id) where status = 'gathered' and channel_id <> 0;
alter table alert_paces add column channel_id bigint not null default 0;
alter table alert_paces drop constraint alert_paces_pkey, add primary key (project_id, user_id, channel_id);
alter table alert_caps add column channel_id bigint not null default 0;
alter table alert_caps drop constraint alert_caps_pkey, add primary key (user_id, channel_id);

-- A message to a channel: what it says, in nobody's format yet. Its recipient is the channel's name, its text what people read in the log.
alter table mails add column channel_id bigint;
alter table mails add column message jsonb;
