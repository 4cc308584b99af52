# segscore's container image: built with Swift's own image, run on a plain Debian that holds no compiler.
#
#     docker build --tag segscore .
#     docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --publish 127.0.0.1:8080:8080 segscore
#
# Anyone who reaches the published port may call, unless SEGSCORE_API_KEY_FILE names keys.
#
# Scripts/build-image builds it without a Docker engine. Both images must be of one Debian release, since the binary is
# linked against the C libraries of the first and runs with those of the second. On other systems the run stage's
# packages have other names: on Ubuntu 24.04 libmicrohttpd12t64, libpng16-16t64 and a later libsimdjson.
ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libgnutls28-dev libisal-dev libmicrohttpd-dev libpng-dev libsimdjson-dev libsqlite3-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Only the manifest decides the dependencies, so that after a change to a source file what this has fetched is used
# again. The pattern takes Package.resolved too if there is one.
COPY Package.* ./
RUN swift package resolve
# .dockerignore lets only the package itself through. Tests come along because SwiftPM refuses a manifest whose targets
# have no folder; they are not built.
COPY . .
# Swift's runtime and Foundation are linked in: the run stage has neither. Stripping keeps no symbols to debug with.
RUN swift build --configuration release --product segscore --static-swift-stdlib \
    && install -D --strip "$(swift build --configuration release --show-bin-path)/segscore" /out/segscore

FROM ${RUNTIME_IMAGE}
# The C libraries that the binary names, and nothing else: it calls no other server, so that it needs no certificates
# either. A volume for --state-dir that is made at /state starts with the rights of this folder.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libgnutls30 libisal2 libmicrohttpd12 libpng16-16 libsimdjson14 libsqlite3-0 libstdc++6 zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    && install --directory --owner=65532 --group=65532 --mode=0700 /state
COPY --from=build /out/segscore /usr/local/bin/segscore

# These come after the layers that cost time, since they differ with every commit.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=
ARG DOCUMENTATION=
LABEL org.opencontainers.image.title="segscore" \
    org.opencontainers.image.description="HTTP service that scores the labels of segmentation masks" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.documentation="${DOCUMENTATION}"

# The user is a number and no name: Kubernetes' runAsNonRoot can tell that it is not root, and it needs no line in
# /etc/passwd.
USER 65532:65532
# Loopback, which is the default elsewhere, could not be reached from outside of the container. By publishing the port
# the operator decides who reaches it, so the server takes callers without a key; with SEGSCORE_API_KEY_FILE they have
# to show one all the same. Callers without a key reach the server by IP address or as localhost; SEGSCORE_ALLOW_HOST
# has it take other names, such as the container's own.
ENV SEGSCORE_LISTEN=0.0.0.0:8080 SEGSCORE_ALLOW_ANONYMOUS=true
EXPOSE 8080
STOPSIGNAL SIGTERM
# Docker and Podman ask this. An image of OCI's own format drops it, and Kubernetes asks /livez and /readyz instead.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 CMD ["segscore", "healthcheck"]
ENTRYPOINT ["segscore"]
CMD ["serve"]
