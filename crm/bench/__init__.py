"""How fast the pages are at this very stock, against the best SQL a hand could write (D15): `manage.py bench`."""
