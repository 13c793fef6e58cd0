-- expand: On which days people were active, kept by month.
--
-- A day is one of UTC. Rows are written once per user and day, when a session begins or is refreshed or an API key is used.
create table activity_days (
    day date not null,
    user_id uuid not null,
    constraint activity_days_pkey primary key (day, user_id)
) partition by range (day);

comment on table activity_days is 'Who was active on which day. Without foreign key: the rows of purged users stay as counts, and go with their month.';

insert into partitioned_tables (name, key_kind, width) values ('activity_days', 'date', 'month');

select create_partitions(now());

create table last_active_days (
    user_id uuid not null,
    day date not null,
    constraint last_active_days_pkey primary key (user_id),
    constraint last_active_days_user_id_fkey foreign key (user_id) references users (id) on delete cascade
) with (fillfactor = 80);

comment on table last_active_days is 'The last row of each user in activity_days, so that who has been inactive for how long is one pass over the users.';

-- What is known of the time before.
insert into activity_days (day, user_id)
select (last_sign_in_at at time zone 'UTC')::date, id
from users
where last_sign_in_at is not null
union
select (created_at at time zone 'UTC')::date, user_id
from sessions
union
select (last_seen_at at time zone 'UTC')::date, user_id
from sessions
union
select (last_used_at at time zone 'UTC')::date, user_id
from api_keys
where last_used_at is not null and user_id is not null;

insert into last_active_days (user_id, day)
select user_id, max(day)
from activity_days
group by user_id;
