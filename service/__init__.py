"""Complaints, questions and faults (arrives with the service desk)."""
