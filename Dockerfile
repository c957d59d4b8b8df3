# Kassa as an image: built with Swift on Debian 12, run on a slim one with the C libraries only.
FROM swift:6.1-bookworm AS build
RUN apt-get -q update && apt-get -q -y install --no-install-recommends \
    libsqlite3-dev libmicrohttpd-dev libuv1-dev libpq-dev librdkafka-dev libgnutls28-dev libhiredis-dev \
    pkg-config make \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /kassa
COPY Package.swift ./
COPY Sources ./Sources
COPY Tests ./Tests
COPY perf/peers ./perf/peers
RUN swift build -c release --static-swift-stdlib --product kassa

# The gateway of docker-compose.yml, told at its build which pods there are.
FROM debian:12-slim AS gateway
RUN apt-get -q update && apt-get -q -y install --no-install-recommends haproxy python3 \
  && rm -rf /var/lib/apt/lists/* && install -d -o haproxy -g haproxy /gateway
COPY stack /stack
ARG PODS
USER haproxy
WORKDIR /gateway
RUN python3 -B /stack/container_gateway.py /gateway $PODS
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["haproxy", "-db", "-f", "haproxy.cfg"]

FROM debian:12-slim AS kassa
RUN apt-get -q update && apt-get -q -y install --no-install-recommends \
    libsqlite3-0 libmicrohttpd12 libuv1 libpq5 librdkafka1 libgnutls30 libhiredis0.14 libstdc++6 \
    ca-certificates curl \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --home-dir /var/lib/kassa --create-home kassa \
  && install -d -o kassa -g kassa -m 700 /keys
COPY --from=build /kassa/.build/release/kassa /usr/local/bin/kassa
USER kassa
WORKDIR /var/lib/kassa
EXPOSE 8000 9000 7000
STOPSIGNAL SIGTERM
ENTRYPOINT ["kassa"]
CMD ["serve", "--http", "0.0.0.0:8000"]
