"""Consent, segments, deliveries and journeys (arrives with campaigns)."""
