"""The one exception a user may read."""

from typing import Any


class RuleBroken(Exception):
    """A business rule forbids the step. `message` is translated, in full words, and says what to do.

    Shown in one place (`crm.core.middleware.Errors`): beside `field` in a form, as a 422 fragment for htmx, or on a page.
    """

    def __init__(self, message: Any, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
