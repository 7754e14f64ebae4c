"""Which event concerns whom"""

SUBSCRIPTIONS: dict[str, tuple[object, ...]] =  name → handlers. The whole map (D9).:{}
