"""The import of another system's export: files, mapping, dry run, decisions, apply, revert."""
