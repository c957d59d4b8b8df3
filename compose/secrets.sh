#!/bin/sh
# Creates the random passwords of docker-compose.yml in volumes that only their users mount. Existing ones stay.
#
#   /secrets/SERVICE/superuser, password   PostgreSQL's (user 999 of its image)
#   /secrets/SERVICE/uri                   how the service's pods reach it (user 10001)
#   /secrets/redis/redis.conf, password    Redis's (user 999), /secrets/redis/url the pods' (user 10001)
#   /secrets/grafana/password              of Grafana's user admin (user 472)
set -eu
umask 077

word() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# put FILE OWNER TEXT: writes the whole file or nothing.
put() {
  printf '%s\n' "$3" >"$1.new"
  chmod 0400 "$1.new"
  chown "$2" "$1.new"
  mv "$1.new" "$1"
}

for folder in /secrets/*; do chmod 0755 "$folder"; done
# The file that pods read comes last: once it exists, so do the others.
for service in orders stock payments; do
  folder="/secrets/$service"
  [ ! -e "$folder/uri" ] || continue
  secret="$(word)"
  put "$folder/superuser" 999:999 "$(word)"
  put "$folder/password" 999:999 "$secret"
  put "$folder/uri" 10001:10001 "postgresql://kassa:$secret@postgres-$service/kassa_$service"
  echo "Made the passwords of postgres-$service."
done
if [ ! -e /secrets/redis/url ]; then
  secret="$(word)"
  put /secrets/redis/password 999:999 "$secret"
  put /secrets/redis/redis.conf 999:999 "requirepass $secret"
  put /secrets/redis/url 10001:10001 "redis://:$secret@redis:6379"
  echo "Made the password of redis."
fi
if [ ! -e /secrets/grafana/password ]; then
  put /secrets/grafana/password 472:472 "$(word)"
  echo "Made the password of grafana."
fi
