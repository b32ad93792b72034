-- 0005_mails: a failed mail names its dead job, so that people can try it again; one test mail at a time. Read by alerts/, platform/outbox.
-- Old code keeps working (a new column that may be null, one more status). Locks: mails briefly, and once while its rows are checked (the table is bounded by retention); no rewrite.

-- The job whose end is written here; null for mails without a dead job.
alter table mails add column job_id bigint;
create unique index mails_job_idx on mails (job_id) where job_id is not null;
-- 'replaced': a failure to write mails at all, which was tried again and led to other mails.
alter table mails drop constraint mails_status;
alter table mails add constraint mails_status check (status in ('queued', 'sent', 'kept', 'failed', 'skipped', 'replaced'));

-- For the sweep of old dead jobs.
create index outbox_dead_idx on outbox (job_id) where state = 'dead';

-- When a person last had a test mail sent, so that the button is no way to flood a mailbox.
create table mail_tests (
    user_id bigint primary key references users (user_id) on delete cascade,
    at timestamptz not null
);
