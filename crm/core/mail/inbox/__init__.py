"""Mail that comes in: fetched from one shared mailbox, kept as it came, then filed by whoever takes it (`LOTSE_INBOX`).

Two steps, each safe at any moment and beside others. `fetching` stores the raw bytes with the mailbox's place in one transaction; `taking`
reads one stored mail and files it in one transaction. Pure parts: `reading` (bytes → values), `nature` (who wrote it: a person, a machine,
a mail server that could not deliver), `quotes` (what is new in an answer), `markup` (HTML made harmless).
"""
