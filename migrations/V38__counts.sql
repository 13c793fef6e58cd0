-- expand: What came of the rows of an import, and of the users of a run in bulk, is counted while it comes, and kept beside its position.
--
-- Nothing is counted here: that would read every row while requests wait. The release before goes on without the counts, and raises the
-- position; whoever reads them sees by it that they are out of date, and counts the rows.
alter table imports add column counts jsonb;
alter table bulk_runs add column counts jsonb;

comment on column imports.counts is 'So many rows are this or have come to this, the mails that are to go out, and how many positions were passed (judged, and then applied) when that was true. Null or of another place: the rows are counted.';
comment on column bulk_runs.counts is 'So many users have come to this, and the position at which that was true. Null or of another position: the items are counted.';
