"""Local services for development and tests: a real Postgres and a real Valkey without Docker and without root.

No part of a production image: there DATABASE_URL and REDIS_URL name the services.
"""
