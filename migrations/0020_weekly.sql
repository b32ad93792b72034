-- 0020_weekly: who wants a summary of each week, and when the next comes. Written by alerts/weekly. Old code keeps working: nobody wants one until
-- they say so. Locks: personal_settings for an instant (nullable columns, an index over few rows).

-- The Monday of whose morning the next summary is: no week is told twice, whatever becomes of time zone and hours. Kept when no more are wanted.
alter table personal_settings add column weekly_monday date;
-- When that is; null: none is wanted.
alter table personal_settings add column weekly_due timestamptz;
alter table personal_settings add constraint personal_settings_weekly check (weekly_due is null or weekly_monday is not null);
create index personal_settings_weekly_idx on personal_settings (weekly_due) where weekly_due is not null;
