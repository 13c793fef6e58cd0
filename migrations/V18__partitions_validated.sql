-- expand: What shall become the first partition of a table is known to lie before its end.
alter table audit_events validate constraint audit_events_past_check;
alter table audit_details validate constraint audit_details_past_check;
alter table audit_changes validate constraint audit_changes_past_check;
alter table refresh_tokens validate constraint refresh_tokens_past_check;
