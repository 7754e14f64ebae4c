"""Consent, segments, campaigns, deliveries and journeys: what speaks to many."""
