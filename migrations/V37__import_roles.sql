-- expand: An import that gives or takes what makes somebody an administrator is applied after a fresh proof.
alter table imports add column roles text[] not null default '{}';

comment on column imports.roles is 'The names of roles that come or go with its rows, or end at another time, as they were judged: what they grant decides whether it is applied after a fresh proof.';
