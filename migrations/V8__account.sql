-- What people change about themselves: addresses that wait to be confirmed, the proof at sign-up, and leaving.
create table pending_emails (
    user_id uuid not null,
    id uuid not null,
    address text not null,
    address_normal text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint pending_emails_pkey primary key (user_id),
    constraint pending_emails_id_key unique (id),
    constraint pending_emails_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table pending_emails is 'An address that a user wants to add: it belongs to nobody before it is confirmed. One per user.';
comment on column pending_emails.id is 'Another one for every request, so that a link for an earlier address fits nothing (R-046). Becomes the id of the address.';
comment on column pending_emails.address_normal is 'As in emails, but not unique: several users may wait for one address.';

alter table one_time_tokens add column pending_email_id uuid;
alter table one_time_tokens add column tries integer not null default 0;
alter table one_time_tokens drop constraint one_time_tokens_purpose_check;
alter table one_time_tokens add constraint one_time_tokens_purpose_check check (
    purpose in ('setup', 'verify_email', 'reset_password', 'set_password', 'report_sign_in', 'confirm_email', 'undo_deletion')
);

comment on column one_time_tokens.pending_email_id is 'The pending address that the link was sent to; without a row of that id the link confirms nothing.';
comment on column one_time_tokens.tries is 'Passwords tried beside this token, counted before they are verified.';

alter table users add column deleted_by uuid;

comment on column users.deleted_by is 'Who put them into the recycle bin: themselves, an administrator, or null for the operator.';
