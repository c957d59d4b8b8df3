# Stands in for apache/kafka: the same user, folders and variables. Context: the folder with Kafka's jars, and the start
# script beside them. Java's package links its manual, whose folder a slim Debian lacks.
FROM debian:12-slim
RUN mkdir -p /usr/share/man/man1 && apt-get -q update \
  && apt-get -q -y install --no-install-recommends -o DPkg::Options::=--force-unsafe-io openjdk-17-jre-headless \
  && rm -rf /var/lib/apt/lists/* && useradd --uid 1000 --create-home --home-dir /home/appuser appuser \
  && install -d -o 1000 -g 0 /opt/kafka/config /var/lib/kafka /var/lib/kafka/data
COPY libs /opt/kafka/libs
COPY kafka-run /etc/kafka/docker/run
USER appuser
VOLUME /var/lib/kafka/data
CMD ["/etc/kafka/docker/run"]
