#!/bin/sh
# Makes usher's two roles, when the image of PostgreSQL makes the cluster: the owner of the schema, who migrates, and the one that
# usher runs as, who can't change the schema or the audit log. psql reads the passwords itself, so no command line holds them.
# In a subshell, since some versions of the image run this in their own shell.
(
    set -eu
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set owner_password `cat /run/secrets/owner-password`
\set app_password `cat /run/secrets/app-password`
set log_min_error_statement = panic;
create role usher_owner login password :'owner_password';
create role usher_app login password :'app_password';
alter database :"DBNAME" owner to usher_owner;
revoke connect, temporary on database :"DBNAME" from public;
grant connect on database :"DBNAME" to usher_app;
SQL
)
