-- 0012_regrouping_bounds: a pass over stored events ends, however many come in meanwhile, and users are found again in batches.
-- Written by regroup/. Old code keeps working: it leaves the column alone and writes no such kind. Locks: regroupings and regrouping_users for
-- an instant each; the check is on a table that is empty but while an issue's users are found again.

-- Events received later are not for this pass; null: all are.
alter table regroupings add column until timestamptz;

-- 'found': users of the stored events that were looked at so far.
alter table regrouping_users drop constraint regrouping_users_kind;
alter table regrouping_users add constraint regrouping_users_kind check (kind in ('before', 'left', 'found'));

-- The regrouping that moved an event last: only that one can take it back. Null costs no byte. Locks events for an instant.
alter table events add column moved_by bigint;
