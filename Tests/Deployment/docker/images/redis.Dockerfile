# Stands in for redis:7…-bookworm: the same user and folder.
FROM debian:12-slim
RUN groupadd --system --gid 999 redis && useradd --system --uid 999 --gid 999 --home-dir /data redis \
  && apt-get -q update && apt-get -q -y install --no-install-recommends -o DPkg::Options::=--force-unsafe-io redis-server \
  && rm -rf /var/lib/apt/lists/* && install -d -o 999 -g 999 /data
WORKDIR /data
VOLUME /data
ENTRYPOINT ["/bin/sh", "-c", "exec \"$0\" \"$@\" --protected-mode no"]
CMD ["redis-server"]
