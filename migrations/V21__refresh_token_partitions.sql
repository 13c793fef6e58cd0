-- expand: Refresh tokens, a row for each refresh, are partitioned by week. A hash of 256 random bits is unique without a key.
alter table refresh_tokens rename to refresh_tokens_past;
alter index refresh_tokens_pkey rename to refresh_tokens_past_pkey;
alter index refresh_tokens_hash_idx rename to refresh_tokens_past_hash_idx;
alter index refresh_tokens_session_id_idx rename to refresh_tokens_past_session_id_idx;
create table refresh_tokens (
    like refresh_tokens_past including defaults including constraints including comments including storage,
    constraint refresh_tokens_session_id_fkey foreign key (session_id) references sessions (id) on delete cascade
) partition by range (created_at);
create index refresh_tokens_hash_idx on refresh_tokens (token_hash);
create index refresh_tokens_session_id_idx on refresh_tokens (session_id);
select attach_past('refresh_tokens');

insert into partitioned_tables (name, key_kind, width)
values ('refresh_tokens', 'timestamptz', 'week');

select create_partitions(now());
