# Stands in for swift:…-bookworm. Context: the folder of the machine's own toolchain, with usr in it.
FROM debian:12-slim
RUN apt-get -q update && apt-get -q -y install --no-install-recommends -o DPkg::Options::=--force-unsafe-io \
    binutils git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libstdc++-12-dev libxml2 pkg-config tzdata \
    zlib1g-dev \
  && rm -rf /var/lib/apt/lists/*
COPY usr /usr
