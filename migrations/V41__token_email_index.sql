-- expand: Whoever purges an address looks for the links that were sent to it. Links are kept for 30 days after their end.
-- outside a transaction
drop index concurrently if exists one_time_tokens_email_id_idx;
create index concurrently one_time_tokens_email_id_idx on one_time_tokens (email_id) where email_id is not null;
