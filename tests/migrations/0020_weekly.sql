-- Somebody who wants summaries.
update personal_settings set weekly_monday = '2026-11-30', weekly_due = '2026-11-30T08:00:00Z';
