# Stands in for postgres:15…-bookworm: the same user, folders and variables.
FROM debian:12-slim
RUN groupadd --system --gid 999 postgres \
  && useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql --shell /bin/bash postgres \
  && install -d /usr/share/man/man1 /usr/share/man/man7 /etc/postgresql-common /docker-entrypoint-initdb.d \
  && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
  && apt-get -q update && apt-get -q -y install --no-install-recommends -o DPkg::Options::=--force-unsafe-io postgresql-15 \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o 999 -g 999 -m 1777 /var/lib/postgresql /var/lib/postgresql/data \
  && install -d -o 999 -g 999 -m 3777 /var/run/postgresql
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
