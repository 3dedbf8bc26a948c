"""What celery's worker runs: each task holds the lock of the process while it works."""

import os
import time

import celery

import redilock

app = celery.Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
client = redilock.Client(os.environ["REDILOCK_URL"], ttl=30, wait=20)


@app.task
def work():
    with client.lock("task"):
        time.sleep(0.01)
    return "done"
