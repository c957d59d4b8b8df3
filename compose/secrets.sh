#!/bin/sh
# Makes the passwords of docker-compose.yml, each once and at random, into volumes that only their users mount. What is
# there stays as it is.
#
#   /secrets/SERVICE/superuser, password   PostgreSQL's (user 999 of its image)
#   /secrets/SERVICE/settings              the service's pods' settings with passwords (user 10001)
#   /secrets/redis/redis.conf, password    Redis's (user 999)
#   /secrets/audit/settings                the audit's: all three databases (user 10001)
#   /secrets/grafana/password              of Grafana's user admin (user 472)
set -eu
umask 077

word() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# put FILE OWNER TEXT: the whole file or none.
put() {
  printf '%s\n' "$3" >"$1.new"
  chmod 0400 "$1.new"
  chown "$2" "$1.new"
  mv "$1.new" "$1"
}

# The first file that is read says that everything is there: it is written last.
done=/secrets/audit/settings
for folder in /secrets/*; do chmod 0755 "$folder"; done
if [ ! -e "$done" ]; then
  redis="$(word)"
  put /secrets/redis/password 999:999 "$redis"
  put /secrets/redis/redis.conf 999:999 "requirepass $redis"
  databases=
  for service in orders stock payments; do
    folder="/secrets/$service"
    secret="$(word)"
    name="KASSA_POSTGRES_$(printf %s "$service" | tr '[:lower:]' '[:upper:]')"
    database="$name=\"postgresql://kassa:$secret@postgres-$service/kassa_$service\""
    databases="$databases$database
"
    put "$folder/superuser" 999:999 "$(word)"
    put "$folder/password" 999:999 "$secret"
    put "$folder/settings" 10001:10001 "$database
KASSA_REDIS=\"redis://:$redis@redis:6379\""
  done
  put "$done" 10001:10001 "$databases"
  echo "Made the passwords of PostgreSQL and Redis."
fi
if [ ! -e /secrets/grafana/password ]; then
  put /secrets/grafana/password 472:472 "$(word)"
  echo "Made the password of grafana."
fi
