# A release builds with --build-arg BASE=python:3.13-slim-bookworm@sha256:<the digest it verified>.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
# What runs, and apart from it what builds: both by hash, nothing resolved here.
RUN python -m venv /opt/gatekeeper \
    && /opt/gatekeeper/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements.lock
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements-build.lock
COPY pyproject.toml README.md LICENSE config.example.toml policy.example.toml ./
COPY gatekeeper ./gatekeeper
COPY migrations ./migrations
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheel . \
    && /opt/gatekeeper/bin/pip install --no-deps --no-index /opt/wheel/*.whl \
    && /opt/gatekeeper/bin/pip uninstall --yes pip

FROM ${BASE} AS run
LABEL org.opencontainers.image.title="gatekeeper" \
      org.opencontainers.image.description="Judges every image of a container registry against a written policy" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/gatekeeper/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/data TMPDIR=/tmp
RUN install -d -o 65532 -g 65532 -m 0750 /data
COPY --from=build /opt/gatekeeper /opt/gatekeeper
# The root filesystem may be read-only: state is in /data, /tmp is a tmpfs.
VOLUME ["/data"]
WORKDIR /data
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# The configuration must say `listen = "0.0.0.0:8080"` under [server]; TLS belongs to the proxy in front.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4).close()"]
ENTRYPOINT ["gatekeeper"]
CMD ["run", "--config", "/etc/gatekeeper/config.toml"]
