#!/bin/sh
# An agent in shell: agents: { assistant: { type: command, protocol: json-lines, command: ["./examples/assistant.sh"] } }
read -r turn
case $turn in *'"state":'*) count=${turn#*'"state":'} count=${count%%[!0-9]*} ;; *) count=0 ;; esac
count=$((count + 1))
# Still escaped as in JSON, so it fits into another event; `jq -r .prompt` would give it as it was written.
prompt=$(printf '%s\n' "${turn#*'"prompt":"'}" | sed -E 's/^(([^"\\]|\\.)*)".*/\1/')

echo "Message $count:" # A line that does not begin with { is text.
printf '{"type":"text","delta":"%s"}\n' "$prompt"
case $SWITCHBOARD_PHASE:$prompt in work:*color*)
  echo '{"type":"ask","id":"1","kind":"questions","questions":[{"id":"color","prompt":"Which color?"}]}'
  read -r answer # for as long as people take; {"type":"stop"} where they cancel
  color=$(printf '%s\n' "$answer" | sed -nE 's/.*"color":"(([^"\\]|\\.)*)".*/\1/p')
  said=${color:+I take $color.}
  printf '{"type":"text","delta":"\\n\\n%s"}\n' "${said:-Nobody can answer now: ask me again.}" ;;
esac
echo '{"type":"usage","tokensIn":1,"tokensOut":1}'
echo "{\"type\":\"done\",\"state\":$count}"
