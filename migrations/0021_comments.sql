-- 0021_comments: people comment on issues. A comment is a line of the history whose detail is its text; read and written by issues/activity.rs.
-- Old code keeps working: it shows a comment as "commented it …". Locks: issue_activity for an instant (a constraint, not checked at once).
alter table issue_activity drop constraint issue_activity_kind;
alter table issue_activity add constraint issue_activity_kind
    check (kind in ('appeared', 'resolved', 'ignored', 'reopened', 'regressed', 'merged', 'split', 'regrouped', 'undone', 'spiked', 'calmed', 'unignored', 'commented'))
    not valid;
alter table issue_activity validate constraint issue_activity_kind;
