-- expand: A refresh token is found by its hash, which need not be a unique key: the index that the partitions will have.
-- outside a transaction
drop index concurrently if exists refresh_tokens_hash_idx;
create index concurrently refresh_tokens_hash_idx on refresh_tokens (token_hash);
