"""
An agent of the Agent Client Protocol that costs next to nothing: its process is what is counted, and not what is in it.
It does not end with its input, as some don't.
"""

import json
import sys
import time

sessions = 0


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params", {})
    if "id" not in request:
        continue
    result = {}
    if method == "initialize":
        result = {"protocolVersion": 1, "agentCapabilities": {}}
    elif method == "session/new":
        sessions += 1
        result = {"sessionId": f"light-{sessions}"}
    elif method == "session/prompt":
        said = "".join(part.get("text", "") for part in params["prompt"])
        chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": f"Heard: {said}"}}
        send(method="session/update", params={"sessionId": params["sessionId"], "update": chunk})
        result = {"stopReason": "end_turn"}
    send(id=request["id"], result=result)

while True:
    time.sleep(3600)
