"""Sends calls with a Python SDK: python drivers/python.py PACKAGE JOB.json; prints what the SDK reports as JSON."""

import importlib
import json
import logging
import sys

logging.disable(logging.CRITICAL)
package, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    job = json.load(file)
errors = []


def on_error(error, _):
    # Some quote the whole event.
    errors.append(str(error)[:200])


client_class = importlib.import_module(package + ".client").Client
client = client_class(job["writeKey"], host=job["host"], on_error=on_error, **job.get("options", {}))
for call in job["calls"]:
    common = {"user_id": call["userId"], "message_id": call["messageId"]}
    kind = call["type"]
    try:
        if kind == "identify":
            client.identify(traits=call["traits"], **common)
        elif kind == "group":
            client.group(group_id=call["groupId"], traits=call["traits"], **common)
        elif kind == "alias":
            client.alias(previous_id=call["previousId"], **common)
        elif kind in ("page", "screen"):
            getattr(client, kind)(name=call["name"], properties=call["properties"], **common)
        else:
            client.track(event=call["event"], properties=call["properties"], **common)
    except Exception as error:  # What a user of the SDK would see.
        errors.append(str(error)[:200])
client.flush()
client.join()
print(json.dumps({"errors": errors}))
