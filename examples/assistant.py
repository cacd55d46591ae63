#!/usr/bin/env python3
# An agent in Python: agents: { assistant: { type: command, protocol: json-lines, command: ["./examples/assistant.py"] } }
import json, sys

def say(**event): print(json.dumps(event), flush=True)
def hear(): return json.loads(sys.stdin.readline())

turn = hear()
count = turn.get("state", 0) + 1
words = turn["prompt"].split()
say(type="text", delta=f"Message {count} has {len(words)} words:")
for word in words: say(type="text", delta=" " + word.upper())
if "clean" in words and turn["phase"] == "work":
    say(type="ask", id="1", kind="permission", tool="clean", text="Remove the temporary files?")
    answer = hear()  # for as long as people take; {"type": "stop"} where they cancel
    if answer["type"] == "stop": sys.exit()
    said = {"approved": "They are gone.", "rejected": "I keep them.", "closed": "Nobody can decide it now: ask me again."}
    say(type="text", delta="\n\n" + said[answer["kind"]])
say(type="usage", tokensIn=len(words), tokensOut=len(words))
say(type="done", state=count)
