"""Which kinds of background work there are: kind → step function (D10)."""

JOBS: dict[str, object] = {}
