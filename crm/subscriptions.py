"""Which event concerns whom: name → handlers. The whole map (D9)."""

SUBSCRIPTIONS: dict[str, tuple[object, ...]] = {}
