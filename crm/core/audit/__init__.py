"""The audit kept honest (D8): its entries are sealed into a chain, every table can be rebuilt from them, and each night somebody looks.

The entries themselves are written by triggers (`crm.core.ledger`). `sealing` makes the chain, `head` keeps its end outside of the database,
`chain`, `guards` and `replay` find what was done to it, `checking` puts them together, `words` says what was found.
"""
