"""What is due by the clock (D10)."""

SCHEDULES: list[object] = []
