"""A large stock for the demo firm: a million contacts with their histories, written by COPY (D14)."""
