#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it uses the services of `./lotse up` (see crm/devstack)."""

import os
import sys


def main() -> None:
    """Point at the settings, lend the local services where none are named, and hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    if not os.environ.get("DATABASE_URL"):
        try:
            from crm.devstack.environment import lend_local_services
        except ModuleNotFoundError:  # the production image leaves crm/devstack out
            pass
        else:
            lend_local_services(sys.argv)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
