"""Journeys: a trigger, and steps that follow it for one contact; each done once, advanced by every tick."""
