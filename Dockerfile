# The production image. Build: docker compose build. It holds no compiler, no Node, no tests and no embedded services.

FROM node:24-bookworm-slim AS assets
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.12-slim-bookworm AS packages
COPY requirements-production.lock requirements-extras.lock ./
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements-production.lock
# What only some houses need (see pyproject.toml): LOTSE_EXTRAS=1 in .env, which each docker compose build reads
ARG EXTRAS=0
RUN [ "$EXTRAS" = 0 ] || /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements-extras.lock

FROM packages AS site
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . .
COPY --from=assets /app/node_modules node_modules
RUN pybabel compile -D django -d crm/locale
RUN SECRET_KEY=build DATABASE_URL=postgresql:/// REDIS_URL=unix:/// LOTSE_STATIC=compressed python manage.py collectstatic --noinput
RUN rm -rf node_modules

FROM python:3.12-slim-bookworm
# WeasyPrint's libraries and one font; what the programs of a backup need
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    libldap-2.5-0 libgssapi-krb5-2 liblz4-1 libzstd1 libreadline8 \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home lotse && install -d -o lotse /var/lib/lotse/media /var/lib/lotse/mail /var/lib/lotse/backups
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENV LOTSE_MEDIA_ROOT=/var/lib/lotse/media LOTSE_MAIL_FOLDER=/var/lib/lotse/mail LOTSE_BACKUP_FOLDER=/var/lib/lotse/backups
# pg_dump, pg_restore and psql of the server's version
COPY --from=postgres:18-bookworm /usr/lib/postgresql/18/bin/pg_dump /usr/lib/postgresql/18/bin/pg_restore /usr/lib/postgresql/18/bin/psql /usr/local/bin/
COPY --from=postgres:18-bookworm /usr/lib/*-linux-gnu/libpq.so.5* /usr/local/lib/
RUN ldconfig
COPY --from=packages /opt/venv /opt/venv
COPY --from=site /app /app
WORKDIR /app
USER lotse
EXPOSE 8000
CMD ["gunicorn", "crm.wsgi", "--config", "python:crm.gunicorn", "--bind", "0.0.0.0:8000"]
