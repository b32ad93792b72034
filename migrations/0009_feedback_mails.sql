-- 0009_feedback_mails: which feedback nobody was told of yet, and when a project's last mail about feedback was made.
-- `told` is set by digest (false) and by alerts through feedback/; `feedback_mails` is alerts' own. Old code keeps working: what it inserts
-- counts as told. Locks feedback for an instant (a column with a constant default) and against writing while the index is built, which reads
-- the table once and holds no row.

alter table feedback add column told boolean not null default true;
create index feedback_untold_idx on feedback (project_id, feedback_id) where not told;

create table feedback_mails (
    project_id int primary key,
    -- When the last mail was made; the next is not made before some minutes later.
    last_at timestamptz,
    -- When a job looks again, if one waits.
    due_at timestamptz
);
