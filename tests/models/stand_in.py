"""A stand-in for a model server, run as a process: `stand_in.py PORT FOLDER [quits|deaf]`.

Writes its process id and that of a child in a session of its own to FOLDER, and its environment.
"""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if "deaf" in sys.argv else 200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())


if "quits" in sys.argv:
    sys.exit("cannot load the weights")
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
folder = Path(sys.argv[2])
(folder / "environment.json").write_text(json.dumps(dict(os.environ)))
(folder / "pids").write_text(f"{os.getpid()} {child.pid}")
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
