-- expand: The rows of an import that are not clean, and those that came to something else than the preview said, are few and found by indexes
-- of their own.
-- outside a transaction
drop index concurrently if exists import_rows_faults_idx;
create index concurrently import_rows_faults_idx on import_rows (import_id, position) where faults is not null;
drop index concurrently if exists import_rows_outcome_idx;
create index concurrently import_rows_outcome_idx on import_rows (import_id, outcome, position) where outcome <> 'done';
