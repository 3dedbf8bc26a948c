"""What gunicorn serves: each request holds the lock of the process for as long as others wait."""

import os
import time

import redilock

client = redilock.Client(os.environ["REDILOCK_URL"], ttl=30, wait=20)


def app(environ, start_response):
    with client.lock("web"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
