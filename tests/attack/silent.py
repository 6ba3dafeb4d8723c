#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""silent.py PORT ADDRESSES EACH: that many connections from each of so many addresses, none of which says a word.

The addresses are 127.64.0.1, 127.65.1.1 and so on: no two share a /16. Whoever is closed comes again at once. What it did
so far is printed as a line of JSON ten times a second; it goes on until it is killed. For tests only.
"""
import errno
import json
import resource
import select
import socket
import sys
import time


def main():
    port, addresses, each = map(int, sys.argv[1:])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poller, made, ended, standing = select.epoll(), 0, 0, {}
    wanted = [f"127.{64 + i}.{i}.1" for i in range(addresses)] * each
    told = time.monotonic()
    while True:
        while wanted:
            address = wanted.pop()
            one = socket.socket()
            one.setblocking(False)
            one.bind((address, 0))
            if one.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
                one.close()
                wanted.append(address)
                break
            standing[one.fileno()] = (one, address)
            poller.register(one, select.EPOLLIN | select.EPOLLRDHUP)
            made += 1
        for descriptor, _ in poller.poll(0.05):
            one, address = standing.pop(descriptor)
            poller.unregister(descriptor)
            one.close()
            wanted.append(address)
            ended += 1
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            print(json.dumps({"now": len(standing), "made": made, "ended": ended}), flush=True)


if __name__ == "__main__":
    main()
