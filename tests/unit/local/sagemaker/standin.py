"""A minimal model server: `python standin.py --host H --port P`. The request body says what it does."""

import argparse
import gzip
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMAND = [sys.executable, "-S", __file__]


class StandIn(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match body.split():
            case [b"status", status]:
                self.answer(int(status), b"the model is unwell")
            case [b"sleep", seconds]:
                time.sleep(float(seconds))
                self.answer(200, body)
            case [b"die"]:
                os._exit(1)
            case [b"headers"]:
                self.answer(200, json.dumps(dict(self.headers)).encode())
            case [b"environment", name]:
                self.answer(200, os.environ.get(name.decode(), "").encode())
            case [b"squeeze"]:
                self.answer(200, gzip.compress(body, mtime=0), encoding="gzip")
            case _:
                self.answer(200, bytes(reversed(body)))

    def answer(self, status, body, encoding="identity"):
        self.send_response(status)
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Type", "application/jsonlines")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    ThreadingHTTPServer((arguments.host, arguments.port), StandIn).serve_forever()
