#!/usr/bin/env python3
"""Makes a folder of tests/journals with a given binary of Signalbox.

    tests/journals/make.py BINARY [FOLDER] [--key]

With --key the journal is encrypted under test.key. It runs pipeline.toml with a destination that refuses some events and is down in the end, posts events, kills the router,
and leaves what the router left: FOLDER/journal (FOLDER is the version of the binary by default) and
FOLDER/manifest.json, which says what a later version must find in it. Run it once for each version that is released,
with the binary of that version, and commit the folder. Python 3 and its library are all it needs.
"""

import base64
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
KEY = "zq-write-key-51"
# More than a sink has under way at once, so that an event that is stuck is parked.
PASSED = 1010


class Hook(http.server.BaseHTTPRequestHandler):
    """Refuses events whose id begins with bad-, is not ready for those with stuck-, nor for /gone; down: for none."""

    protocol_version = "HTTP/1.1"
    down = False

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        later = Hook.down or self.path == "/gone" or event["messageId"].startswith("stuck-")
        status = 503 if later else 400 if event["messageId"].startswith("bad-") else 200
        self.answer(status)

    def do_OPTIONS(self):
        self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Rig:
    def __init__(self, binary, journal, scratch, key):
        hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        self.binary, self.scratch = binary, scratch
        self.listen, self.admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.variables = {
            "ADMIN": self.admin,
            "LISTEN": self.listen,
            "WRITE_KEY": KEY,
            "JOURNAL": journal,
            "FOLDER": scratch,
            "HOOK": f"http://127.0.0.1:{hook.server_port}",
        }
        self.config = os.path.join(scratch, "pipeline.toml")
        key = f'key = "${{file:{os.path.join(HERE, "test.key")}}}"\n' if key else ""
        self.journal_table = f"\n[journal]\n{key}"
        self.process = None

    def write(self, *parts):
        with open(self.config, "w") as file:
            for part in parts:
                with open(os.path.join(HERE, part)) as source:
                    file.write(source.read().replace("\n[journal]\n", self.journal_table))

    def command(self, *arguments):
        command = [self.binary, *arguments, "--config", self.config]
        return subprocess.run(command, env=self.variables, check=True, capture_output=True, text=True).stdout

    def start(self):
        self.process = subprocess.Popen([self.binary, "run", "--config", self.config], env=self.variables)
        self.wait(lambda status: status["ready"])

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()

    def post(self, events):
        request = urllib.request.Request(f"http://{self.listen}/v1/batch", json.dumps({"batch": events}).encode())
        request.add_header("content-type", "application/json")
        request.add_header("authorization", "Basic " + base64.b64encode(f"{KEY}:".encode()).decode())
        assert urllib.request.urlopen(request).status == 200

    def wait(self, wanted):
        for _ in range(600):
            try:
                request = urllib.request.Request(f"http://{self.admin}/status", headers={"x-signalbox": "1"})
                status = json.load(urllib.request.urlopen(request))
                if wanted(status):
                    # What sinks have settled is on disk some milliseconds later.
                    time.sleep(0.5)
                    return status
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit("waited in vain")


def events(prefix, count, properties=None, address=None):
    return [
        {
            "type": "track",
            "event": "e",
            "messageId": f"{prefix}-{n}",
            "anonymousId": "a",
            "properties": properties or {},
            **({"context": {"traits": {"address": address}}} if address else {}),
        }
        for n in range(count)
    ]


def done(sink, **wanted):
    def count(sink, what):
        value = sink[what]
        return sum(value.values()) if isinstance(value, dict) else value

    return lambda status: all(count(status["sinks"][sink], what) == n for what, n in wanted.items())


def make(binary, folder, key):
    journal = os.path.join(folder, "journal")
    os.makedirs(folder)
    with tempfile.TemporaryDirectory() as scratch:
        rig = Rig(binary, journal, scratch, key)
        # A clean end: a file of frames with a summary, a file of ids.
        rig.write("pipeline.toml", "orphan.toml")
        rig.start()
        rig.post(events("stuck", 1))
        rig.post(events("bad", 3))
        rig.post(events("nowhere", 2, {"do_not_sell": True}))
        rig.post(events("opted", 2, {"do_not_sell": True}, {"state": "CA", "country": "US"}))
        for n in range(0, PASSED, 101):
            rig.post([{**event, "messageId": f"passed-{n + i}"} for i, event in enumerate(events("x", 101))])
        held = PASSED + 6
        rig.wait(done("hook", delivered=PASSED + 2, rejected=3, pending=1))
        rig.wait(done("archive", delivered=held))
        rig.end(signal.SIGTERM)
        # An orphan, and an end that is none.
        Hook.down = True
        rig.write("pipeline.toml")
        rig.start()
        rig.post(events("first", 5))
        rig.wait(done("archive", delivered=held + 5))
        rig.end(signal.SIGKILL)
        letters = [json.loads(line) for line in rig.command("deadletters", "list", "--json").splitlines()]
        back = next(letter for letter in letters if letter["message_id"] == "bad-2")
        rig.command("deadletters", "retry", "--id", str(back["id"]))
        # Another one: a file of frames without a summary.
        rig.start()
        rig.post(events("second", 4))
        rig.post(events("second", 7))
        rig.wait(done("archive", delivered=held + 12))
        status = rig.wait(done("hook", pending=1 + 1 + 12))
        rig.end(signal.SIGKILL)
        with open(os.path.join(scratch, "archive.jsonl")) as archive:
            written = [json.loads(line) for line in archive]
    for name in ["LOCK", "ballast.bin"]:
        if os.path.exists(os.path.join(journal, name)):
            os.remove(os.path.join(journal, name))
    names = lambda prefix, count: [f"{prefix}-{n}" for n in range(count)]
    waiting = names("stuck", 1) + ["bad-2"] + names("first", 5) + names("second", 7)
    first = names("stuck", 1) + names("bad", 3) + names("opted", 2) + names("passed", PASSED)
    manifest = {
        "program": subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.strip(),
        "journalled": status["sources"]["shop"]["journalled"],
        # Not delivered by the sink `hook`: one parked out of the log, one back from the dead letters, the others in the log.
        "pending": waiting,
        "parked": {"hook": 2},
        "dead_letters": {"hook": names("bad", 2), "source:shop": names("nowhere", 2)},
        # What the orphan `gone` has not delivered of what came while it was in the pipeline. (To version 0.1.0 of
        # 2026-11-28 it was owed what came later, too.)
        "orphan": {"name": "gone", "pending": first},
        # Events that were taken in and whose second copies are duplicates.
        "known": ["passed-0", "first-0", "second-6"],
        # What a destination gets of some of them.
        "events": [event for event in written if event["messageId"] in waiting],
    }
    with open(os.path.join(folder, "manifest.json"), "w") as file:
        entries = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in manifest.items()]
        file.write("{\n" + ",\n".join(entries) + "\n}\n")


if __name__ == "__main__":
    key = "--key" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--key"]
    binary = os.path.abspath(arguments[0])
    version = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    target = os.path.abspath(arguments[1]) if len(arguments) > 1 else os.path.join(HERE, version)
    if os.path.exists(target):
        raise SystemExit(f"{target} is there already: folders of released versions do not change")
    try:
        make(binary, target, key)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
