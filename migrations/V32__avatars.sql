-- expand: People have a picture. Its files are in a storage of their own; here is which they are.
alter table users add column avatar text;

comment on column users.avatar is 'The name of the picture''s files without their size, such as 0f..9a.jpg; null: a pattern stands for it. A row of avatars has the same name.';

create table avatars (
    name text not null,
    user_id uuid not null,
    created_at timestamptz not null,
    constraint avatars_pkey primary key (name),
    constraint avatars_name_check check (name ~ '^[0-9a-f]{32}\.(jpg|png)$')
);

create index avatars_created_at_idx on avatars (created_at);

comment on table avatars is 'Every picture whose files are in the storage, or may be: written before they are, and removed after they are. It outlives its user, so that the files can be found.';
comment on column avatars.name is 'Random, and never used again: two people have no file in common, and nothing follows from the name.';
