#!/bin/sh
# A program as an agent (`type: command`): the message comes on standard input, what is written is the answer.
#
#   agents:
#     script: { type: command, command: ["./examples/answer.sh"] }
#
# The answer is streamed as it is written and read as Markdown. Exit code 0 means answered; any other is a failure
# that is tried again, except 64, 65, 77, 78, 126 and 127, which no repetition would mend. What goes to standard
# error (`>&2`, not `>/dev/stderr`: it is a socket) is shown with the failure.
set -eu

message=$(cat)

echo "Hello **$SWITCHBOARD_SENDER** in \`$SWITCHBOARD_CHANNEL\`, this is attempt $SWITCHBOARD_ATTEMPT."
echo
printf '%s\n' "$message" | sed 's/^/> /'
echo
printf '%s' "$message" | wc -w | awk '{ print "That is " $1 ($1 == 1 ? " word." : " words.") }'
