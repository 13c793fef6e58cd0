-- expand: The words of a mail can be others than those that usher comes with.
create table mail_texts (
    template text not null,
    language text not null,
    text text not null,
    version bigint not null generated always as identity,
    updated_at timestamptz not null,
    updated_by uuid,
    constraint mail_texts_pkey primary key (template, language),
    constraint mail_texts_text_check check (octet_length(text) <= 16384),
    constraint mail_texts_updated_by_fkey foreign key (updated_by) references users (id) on delete set null
);

create index mail_texts_updated_by_idx on mail_texts (updated_by) where updated_by is not null;

comment on table mail_texts is 'Texts of mails that stand in the place of those that usher comes with. Without a row that one counts.';
comment on column mail_texts.template is 'Which mail, as in mails.template.';
comment on column mail_texts.language is 'The tag of the language (BCP 47).';
comment on column mail_texts.version is 'Another one with every change, and never one that was there before; the entity tag of the resource.';
comment on column mail_texts.updated_by is 'The user who did, if it was one and they are still there.';
