"""Which kinds of background work there are: kind → step function (D10)."""

from crm.core.jobs import Step
from sales.imports.applying import apply_step
from sales.imports.checking import check_step
from sales.imports.reverting import revert_step

JOBS: dict[str, Step] = {
    "sales.import_check": check_step,
    "sales.import_apply": apply_step,
    "sales.import_revert": revert_step,
}
