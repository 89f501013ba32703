"""A stand-in for vLLM, run as a process with vLLM's arguments and no package but Python's own.

Appends what it was started with, its process id and those of two children (one in a session of
its own) to `started` in the folder that VLLM_STAND_IN names. Obeys the words in `orders` there:
`exit` (while starting; `exit:5` only on GPU 5), `deaf` (never healthy), `hang` (no answers),
`stubborn` (while starting: does not end when asked to).
"""

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["VLLM_STAND_IN"])
GPUS = os.environ.get("CUDA_VISIBLE_DEVICES", "")
METRICS = "vllm:num_requests_running 1.0\nvllm:num_requests_waiting 0.0\n"


def argument(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


def ordered(*words: str) -> bool:
    orders = FOLDER / "orders"
    return orders.exists() and not set(words).isdisjoint(orders.read_text().split())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self.say(503 if ordered("deaf") else 200, str(os.getpid()))
        elif self.path == "/metrics":
            self.say(200, METRICS)
        else:
            self.say(200, {"data": [{"id": argument("--served-model-name")}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] != argument("--served-model-name"):
            return self.say(404, {"error": {"message": "no such model"}})
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        if self.path.endswith("/chat/completions"):
            choice["message"] = {"role": "assistant", "content": "the"}
        else:
            choice["text"] = " the"
        usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
        return self.say(
            200, {"id": "x", "model": asked["model"], "choices": [choice], "usage": usage}
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Log no line a request: that is what --disable-uvicorn-access-log asks for."""

    def say(self, code: int, body: Any) -> None:
        while ordered("hang"):
            time.sleep(0.05)
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "text/json")
        self.end_headers()
        self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())


children = [subprocess.Popen(["sleep", "1000"], start_new_session=own) for own in (False, True)]
about = {
    "argv": sys.argv[1:],
    "gpus": GPUS,
    "pids": [os.getpid(), *(child.pid for child in children)],
    "at": time.monotonic(),
    "environment": dict(os.environ),
}
with (FOLDER / "started").open("a") as log:
    log.write(json.dumps(about) + "\n")
if ordered("exit", f"exit:{GPUS}"):
    sys.exit("cannot load the weights")
if ordered("stubborn"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
ThreadingHTTPServer(("127.0.0.1", int(argument("--port"))), Handler).serve_forever()
