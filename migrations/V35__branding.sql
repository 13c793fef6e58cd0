-- expand: The service can have another name, colours, a logo, links and texts.
create table branding (
    only_row boolean not null default true,
    name text,
    color text,
    color_dark text,
    links jsonb not null default '[]',
    footer text,
    sign_in_text text,
    register_text text,
    account_text text,
    logo bytea,
    logo_hash text,
    logo_width integer,
    logo_height integer,
    version bigint not null default 0,
    updated_at timestamptz,
    constraint branding_pkey primary key (only_row),
    constraint branding_only_row_check check (only_row),
    constraint branding_name_check check (char_length(name) <= 60),
    constraint branding_color_check check (color ~ '^#[0-9a-f]{6}$'),
    constraint branding_color_dark_check check (color_dark ~ '^#[0-9a-f]{6}$'),
    constraint branding_links_check check (jsonb_array_length(links) <= 6),
    constraint branding_logo_check check (octet_length(logo) <= 1048576),
    constraint branding_logo_hash_check check (num_nulls(logo, logo_hash, logo_width, logo_height) in (0, 4))
);

insert into branding default values;

comment on table branding is 'One row: how the service is called and how it looks. What is null is as the settings say, or as usher comes.';
comment on column branding.color is 'The accent in the light: #rrggbb.';
comment on column branding.links is 'At the foot of every page: a list of objects with label and url.';
comment on column branding.sign_in_text is 'Above the form that signs in; the others alike.';
comment on column branding.logo is 'A PNG that usher has drawn.';
comment on column branding.logo_hash is 'Of the file; its URL holds it.';
comment on column branding.version is 'Raised by every change; the entity tag.';
