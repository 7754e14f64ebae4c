"""Workers of an import, always two at once, each a forked process that can be killed, behind one process of their own, so that nothing else is
forked.

    python -m tests.imports.workers DATABASE CHUNK

reads lines such as `17 stop:0.2 kill:0.5 kill:0.8` (a job, and what happens to it when so much of it is done) and answers each, once the job
has ended, with one line of JSON: its state, seconds, how often it was stopped and how often its worker was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from datetime import timedelta
from typing import Any

if __name__ == "__main__":
    import django

    django.setup()

from django.db import connections
from django.utils import timezone

from crm.core import jobs, tasks
from crm.core.models import Job
from sales.imports import applying, checking, reverting

OPEN = [Job.State.QUEUED, Job.State.RUNNING]


class NoBell:
    """A doorbell nobody hears: this worker looks for itself."""

    def send_task(self, *_: Any, **__: Any) -> None:
        """Silence."""


def begin(job: int) -> int:
    """A worker that works on this job, beside others, until it ends. Returns its process id."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    begun = time.monotonic()
    try:
        while Job.objects.filter(pk=job, state__in=OPEN).exists():
            jobs.advance(job)
            time.sleep(0.02 if time.monotonic() - begun < 10 else 0.3)  # the other has all there is to do
    finally:
        os._exit(0)


def drive(pk: int, trouble: list[tuple[str, float]], dice: random.Random) -> dict[str, Any]:
    """Let workers bring the job to its end, in spite of the trouble."""
    begun, happened = time.monotonic(), {"stop": 0, "kill": 0}
    workers = [begin(pk) for _hand in range(jobs.HANDS)]
    while True:
        job = Job.objects.get(pk=pk)
        if trouble and job.total and job.done >= trouble[0][1] * job.total and job.is_open:
            what = trouble.pop(0)[0]
            time.sleep(dice.random() * 0.1)
            if what == "kill":
                # Of two that work on parts one dies and the other goes on; where one works and the other waits for it, both die.
                victims = [dice.choice(workers)] if job.parts.exists() else list(workers)
                for victim in victims:
                    os.kill(victim, signal.SIGKILL)
                happened[what] += {os.waitpid(victim, 0)[1] for victim in victims} == {signal.SIGKILL}
                workers = [worker for worker in workers if worker not in victims]
                Job.objects.filter(pk=pk, state__in=OPEN).update(lease_until=timezone.now() - timedelta(seconds=1))  # the lease is over
            else:
                jobs.cancel_job(job, by=job.by)
                while workers:
                    os.waitpid(workers.pop(), 0)
                job.refresh_from_db()
                happened[what] += job.state == Job.State.CANCELLED
                if job.state == Job.State.CANCELLED:
                    jobs.resume_job(job, by=job.by)
            workers += [begin(pk) for _hand in range(jobs.HANDS - len(workers))]
        elif not job.is_open:
            for worker in workers:
                os.waitpid(worker, 0)
            return {"state": job.state, "error": job.error, "seconds": time.monotonic() - begun, **happened}
        time.sleep(0.02 if time.monotonic() - begun < 10 else 0.2)  # long work is not slowed by looking


def main(name: str, chunk: str) -> None:
    """Answer line by line."""
    connections["default"].settings_dict["NAME"] = name
    tasks.current_app = NoBell()  # type: ignore[assignment]
    dice = random.Random(5)
    for module in (applying, checking, reverting):
        module.CHUNK = int(chunk) or module.CHUNK  # type: ignore[attr-defined]
    for line in sys.stdin:
        job, *trouble = line.split()
        print(json.dumps(drive(int(job), [(what, float(share)) for what, share in (word.split(":") for word in trouble)], dice)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
