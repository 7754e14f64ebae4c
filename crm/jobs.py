"""Which kinds of background work there are"""

JOBS: dict[str, object] =  kind → step function (D10).:{}
