# Kassa as an image: built with Swift on Debian 12, run on a slim Debian 12 with the C libraries only (docs/docker.md).
#
# scripts/pin-images holds the base images to their content, by their digests.
ARG SWIFT_IMAGE=swift:6.1-bookworm
ARG DEBIAN_IMAGE=debian:12-slim

# hadolint global ignore=DL3008
# DL3008 wants the versions of packages pinned: Debian keeps only the newest of a release, so a pinned one is soon gone,
# and with it every security update. scripts/pin-images pins the rest.

FROM ${SWIFT_IMAGE} AS build
RUN apt-get -q update && apt-get -q -y install --no-install-recommends \
      libgnutls28-dev libhiredis-dev libmicrohttpd-dev libpq-dev librdkafka-dev libsqlite3-dev libuv1-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /kassa
COPY Package.swift ./
COPY Sources ./Sources
COPY perf/peers ./perf/peers
# Not built, but Package.swift names the tests' folders.
COPY Tests ./Tests
# Swift's own library goes into the program. What was compiled before is kept, so that a change compiles little.
RUN --mount=type=cache,target=/kassa/.build \
    swift build -c release --static-swift-stdlib --product kassa \
  && strip --strip-all -o /usr/local/bin/kassa .build/release/kassa

# The gateway of docker-compose.yml: HAProxy with the configuration of stack/gateway.py for these pods.
FROM ${DEBIAN_IMAGE} AS gateway-files
RUN apt-get -q update && apt-get -q -y install --no-install-recommends python3-minimal python3 \
  && rm -rf /var/lib/apt/lists/*
COPY stack /stack
ARG PODS="orders-0 orders-1 stock-0 stock-1 payments-0 payments-1"
WORKDIR /gateway
# The names are words of their own.
# hadolint ignore=SC2086
RUN python3 -B /stack/container_gateway.py /gateway $PODS

FROM ${DEBIAN_IMAGE} AS gateway
RUN apt-get -q update && apt-get -q -y install --no-install-recommends haproxy \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
  && install -d -o 10001 -g 10001 -m 0750 /run/gateway
COPY --from=gateway-files /gateway /etc/gateway
USER 10001:10001
# Where HAProxy makes its socket; a tmpfs when the root is read-only.
WORKDIR /run/gateway
EXPOSE 8000
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s --timeout=3s --retries=6 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000"]
CMD ["sh", "-c", "cp /etc/gateway/* . && exec haproxy -db -f haproxy.cfg"]

FROM ${DEBIAN_IMAGE} AS kassa
ARG KASSA_VERSION=0.1.0
LABEL org.opencontainers.image.title="Kassa" \
  org.opencontainers.image.description="A checkout backend: orders, stock and payments as sharded services" \
  org.opencontainers.image.version="${KASSA_VERSION}" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="docker.io/library/debian:12-slim"
RUN apt-get -q update && apt-get -q -y install --no-install-recommends \
      ca-certificates libgnutls30 libhiredis0.14 libmicrohttpd12 libpq5 librdkafka1 libsqlite3-0 libstdc++6 libuv1 \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
  && groupadd --gid 10001 kassa \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/kassa --shell /usr/sbin/nologin kassa \
  && install -d -o 10001 -g 10001 -m 0750 /var/lib/kassa /keys
COPY --from=build /usr/local/bin/kassa /usr/local/bin/kassa
USER 10001:10001
WORKDIR /var/lib/kassa
VOLUME /var/lib/kassa
# All addresses of the container; docker decides which of its ports anybody else reaches. Whoever starts it says who may ask:
# KASSA_API_KEYS, or KASSA_NO_AUTHENTICATION=yes (docs/authentication.md).
ENV KASSA_HTTP=0.0.0.0:8000 KASSA_OPERATOR=0.0.0.0:9000
EXPOSE 8000 9000 7000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 CMD ["kassa", "health"]
ENTRYPOINT ["kassa"]
CMD ["serve"]
