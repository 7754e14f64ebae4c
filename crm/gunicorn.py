"""How gunicorn runs the page: `gunicorn crm.wsgi --config python:crm.gunicorn`. The only place for its settings.

There is no access log here: the page writes one itself (`crm.core.logs`).
"""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
timeout = 60  # seconds without a sign of life until a worker is ended; a slow statement is the database's to stop
graceful_timeout = 30  # seconds for what is on its way when we are asked to end
max_requests = 5_000  # then a worker is replaced, so that what leaks does not add up …
max_requests_jitter = 1_000  # … and not all at once
backlog = 128  # connections that may wait; those beyond are the proxy's, which can say so
keepalive = 5
worker_connections = 100
control_socket_disable = True  # it lies in the home folder: two copies would share it
logconfig_dict = settings.LOGGING
