# Stands in for prom/prometheus: the same user and folder.
FROM debian:12-slim
RUN apt-get -q update && apt-get -q -y install --no-install-recommends -o DPkg::Options::=--force-unsafe-io prometheus \
  && rm -rf /var/lib/apt/lists/* && install -d -o 65534 -g 65534 /prometheus && rm -rf /etc/prometheus/*
USER nobody
WORKDIR /prometheus
VOLUME /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
