-- 0003_outbox_and_mails: side effects. A job is a row written in the transaction whose fact it follows from; read by platform/jobs and alerts/.

create table outbox (
    job_id bigint generated always as identity primary key,
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    run_at timestamptz not null,
    attempts int not null default 0,
    -- Until when whoever claimed it may work on it. A process that dies leaves it to expire.
    leased_until timestamptz,
    state text not null default 'waiting',
    last_error text not null default '',
    constraint outbox_state check (state in ('waiting', 'dead'))
) with (fillfactor = 50);
create index outbox_run_idx on outbox (run_at, job_id) where state = 'waiting';

-- The delivery log: every decision about a mail, with the mail.
create table mails (
    mail_id bigint generated always as identity primary key,
    project_id int not null,
    issue_id bigint,
    user_id bigint,
    recipient text not null,
    kind text not null,
    subject text not null,
    text_body text not null,
    html_body text not null,
    -- Fixed when the mail is made, so that a repeat after a crash is known as one.
    message_id text not null,
    status text not null,
    reason text not null default '',
    created_at timestamptz not null,
    sent_at timestamptz,
    constraint mails_status check (status in ('queued', 'sent', 'kept', 'failed', 'skipped')),
    constraint mails_message_id_key unique (message_id)
);
create index mails_project_idx on mails (project_id, mail_id desc);
create index mails_created_idx on mails (created_at);

create table mail_attempts (
    mail_id bigint not null references mails (mail_id) on delete cascade,
    attempt int not null,
    at timestamptz not null,
    result text not null,
    primary key (mail_id, attempt)
);
