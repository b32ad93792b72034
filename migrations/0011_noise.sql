-- 0011_noise: places that make a new issue for every event: counted, told in one mail, and shown with the rule that would put them together.
-- Written and read by projects/ (noise.rs), for digest, which counts where it makes new issues, for the pages and for alerts. Locks nothing
-- that exists. A place without new issues for a month goes.

create table noisy_places (
    project_id int not null,
    -- grouping::Place.
    place uuid not null,
    -- What people call it.
    words text not null,
    -- What the messages of this window have in common, and the fingerprint rule made of both when there were too many; empty where none fits.
    pattern text not null,
    rule text not null,
    -- The hour that is counted now, and the new issues in it.
    window_from timestamptz not null,
    new_issues int not null,
    last_at timestamptz not null,
    -- The newest issues: [4294967297, …]
    samples jsonb not null,
    -- Since when there are too many, how many since, and when the mail about it was ordered.
    noisy_since timestamptz,
    noisy_issues bigint not null default 0,
    told_at timestamptz,
    -- New issues of which no single mail was made, since the delivery log last said so.
    untold bigint not null default 0,
    untold_since timestamptz,
    -- When somebody had seen enough of the suggestion.
    dismissed_at timestamptz,
    primary key (project_id, place)
) with (fillfactor = 60);
create index noisy_places_last_idx on noisy_places (project_id, last_at);
create index noisy_places_told_idx on noisy_places (project_id, told_at) where told_at is not null;
