#!/bin/sh
# Makes the cluster when there is none, by the variables of the official image, and becomes PostgreSQL.
set -eu
folder=$(echo /usr/lib/postgresql/*/bin)
PATH=$folder:$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    chmod 700 "$PGDATA"
    # shellcheck disable=SC2086 - words
    initdb --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --encoding UTF8 --locale C.UTF-8 \
        --auth-host scram-sha-256 --auth-local trust ${POSTGRES_INITDB_ARGS:-}
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    pg_ctl --wait --options "-c listen_addresses=" start
    createdb --username "$POSTGRES_USER" "$POSTGRES_DB"
    for script in /docker-entrypoint-initdb.d/*.sh; do
        sh "$script"
    done
    pg_ctl --wait --mode fast stop
fi
exec "$@"
