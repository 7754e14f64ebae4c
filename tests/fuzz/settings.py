"""The product's settings as they are, and beside its addresses the traps that red controls need."""

from tests.faults.settings import *  # noqa: F403

ROOT_URLCONF = "tests.fuzz.traps"
