#!/usr/bin/env python3
"""redis_py_lock.py SOCKET COUNT: the median of COUNT times taking and giving back redis-py's Lock, in nanoseconds."""
import statistics
import sys
import time

import redis

client = redis.Redis(unix_socket_path=sys.argv[1])
times = []
for _ in range(int(sys.argv[2])):
    lock = client.lock("redis-py", timeout=60)
    start = time.perf_counter_ns()
    if not lock.acquire(blocking=False):
        sys.exit("the lock is not free")
    lock.release()
    times.append(time.perf_counter_ns() - start)
print(statistics.median(times))
