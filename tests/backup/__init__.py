"""Backup, restore and the drill."""
