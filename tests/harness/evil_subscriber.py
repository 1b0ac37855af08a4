#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A subscriber or client that means harm, in one of many ways: evil_subscriber.py WAY --at HOST:PORT [--path PATH] [--number N]

It asks a broker, a publisher or a subscriber at --at. Loopback only. It prints "ready" when the harm has begun, and goes on until it
is killed.
"""
import argparse
import base64
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time


def connect(at, buffer=None):
    host, port = at.split(":")
    sock = socket.socket()
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.connect((host, int(port)))
    return sock


def websocket(at):
    sock = connect(at)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(f"GET /pubsub HTTP/1.1\r\nHost: {at}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(4096)
        if not data:
            raise ConnectionError(head.decode(errors="replace"))
        head += data
    return sock


def frame(data, opcode=1, fin=0x80, mask=b"abcd"):
    n = len(data)
    size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n)
    masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data)) if n < 65536 else (
        int.from_bytes(data, "big") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "big")).to_bytes(n, "big")
    return bytes([fin | opcode]) + size + mask + masked


def call(method, arguments):
    return frame(json.dumps({"request": {"method": method, "arguments": arguments, "call_id": "%032x" % random.getrandbits(128)}}).encode())


def run(flood, number):
    for _ in range(number):
        threading.Thread(target=flood, daemon=True).start()
    print("ready", flush=True)
    time.sleep(1000)


def slow_reading(at, path, number):
    """Ask for something large, many times, and read a byte now and then."""
    socks = []
    for _ in range(number):
        sock = connect(at, 4096)
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {at}\r\n\r\n".encode())
        socks.append(sock)
    print("ready", flush=True)
    while True:
        time.sleep(1)
        for sock in socks:
            sock.recv(1)


def unfinished_heads(at, path, number):
    socks = []
    for i in range(number):
        try:
            sock = connect(at)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {at}\r\nX-{i}: ".encode())
            socks.append(sock)
        except OSError:
            time.sleep(0.01)
    print("ready", flush=True)
    while True:
        time.sleep(1)
        for sock in list(socks):
            try:
                sock.sendall(b"x")
            except OSError:
                socks.remove(sock)


def unfinished_bodies(at, path, number):
    socks = []
    for _ in range(number):
        try:
            sock = connect(at)
            sock.sendall(f"POST /api/roots HTTP/1.1\r\nHost: {at}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
                         .encode() + b"[" * 900_000)
            socks.append(sock)
        except OSError:
            time.sleep(0.01)
    print("ready", flush=True)
    time.sleep(1000)


def topics(at, path, number):
    """Floods of topics, and of events in them, of peers that do not read."""
    def flood():
        while True:
            try:
                sock = websocket(at)
                for i in range(1000):
                    sock.sendall(call("subscribe", {"topics": [f"t{random.getrandbits(60)}" for _ in range(500)]}))
                    sock.sendall(call("publish", {"topics": f"t{i}", "data": {"path": f"x{i}.b2nd", "metadata": {"x": "y" * 50_000}},
                                                  "sync": True, "notifier_id": None}))
            except OSError:
                time.sleep(0.05)
    run(flood, number)


def wrong_frames(at, path, number):
    kinds = [b"\xf1\x82abcd" + b"hi", b"\x81\x02hi", b"\x83\x81abcdx", b"\x81\xff" + b"\xff" * 8 + b"abcd", b"\x80\x81abcdx",
             b"\x89\xfe\x00\xffabcd" + bytes(255), frame(b"[" * 200_000), frame(b"\xff\xfe"), frame(b'{"request":' * 10_000), frame(b"null"),
             call("resume", {"topics": [{"topic": "x" * 100_000, "epoch": -1, "seq": 1 << 62}]}), call("claim", {"name": 1, "token": None}),
             call("x", []), frame(b"", 8) + frame(b"x"), frame(b"x", 1, 0) * 1000]

    def flood():
        while True:
            try:
                sock = websocket(at)
                sock.sendall(random.choice(kinds) * 3 + random.randbytes(100))
                sock.settimeout(0.2)
                sock.recv(1000)
            except OSError:
                time.sleep(0.01)
    run(flood, number)


def endless_message(at, path, number):
    """One message in fragments without an end."""
    def flood():
        part = frame(b"x" * 65536, 0, 0)
        while True:
            try:
                sock = websocket(at)
                sock.sendall(frame(b'{"request":"', 1, 0))
                while True:
                    sock.sendall(part)
            except OSError:
                time.sleep(0.05)
    run(flood, number)


WAYS = {it.__name__: it for it in (slow_reading, unfinished_heads, unfinished_bodies, topics, wrong_frames, endless_message)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=sorted(WAYS))
    parser.add_argument("--at", required=True)
    parser.add_argument("--path", default="/")
    parser.add_argument("--number", type=int, default=20)
    args = parser.parse_args()
    assert re.match(r"127\.0\.0\.1:\d+$", args.at), "loopback only"
    WAYS[args.way](args.at, args.path, args.number)


if __name__ == "__main__":
    sys.exit(main())
