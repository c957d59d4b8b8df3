#!/bin/sh
# Creates the role `kassa`, which is no superuser, and the database that SERVICE names. PostgreSQL's image runs it once, in a
# new, empty cluster.
set -eu
PGPASSWORD="$(cat /secrets/superuser)"
export PGPASSWORD
psql -X -q -v ON_ERROR_STOP=1 -U postgres -d postgres -v "word=$(cat /secrets/password)" -v "database=kassa_$SERVICE" <<'SQL'
CREATE ROLE kassa LOGIN PASSWORD :'word';
CREATE DATABASE :"database" OWNER kassa TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE CONNECT ON DATABASE :"database" FROM PUBLIC;
SQL
