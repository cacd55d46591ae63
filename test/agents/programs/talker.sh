#!/bin/sh
# The program of the command agent's tests: what it does stands in the first line of its input.
# It and the children that it starts write their process ids to the file $PIDS.
echo $$ >>"$PIDS"
read -r word rest

# Starts a child that SIGTERM can't end.
stubborn() {
  sh -c 'trap "" TERM; echo $$ >>"$PIDS"; while :; do sleep 1; done' &
  until [ "$(wc -l <"$PIDS")" -ge 2 ]; do sleep 0.02; done
}

case $word in
echo)
  printf '%s\n' "$rest"
  cat
  ;;
halves)
  # The first two of the three bytes of a character; the last one when the file $PIDS.go appears.
  printf 'half: \344\275'
  until [ -e "$PIDS.go" ]; do sleep 0.02; done
  printf '\240'
  ;;
endless)
  sleep 3600 &
  echo $! >>"$PIDS"
  echo working
  wait
  ;;
stubborn)
  trap '' TERM
  stubborn
  echo working
  while :; do sleep 1; done
  ;;
goodbye)
  trap 'head -c 1000000 /dev/zero; echo bye >"$PIDS.bye"; exit' TERM
  echo working
  while :; do sleep 0.1; done
  ;;
fail)
  echo "partial"
  echo "the first complaint" >&2
  seq 1000 >&2
  echo "the last complaint: ü" >&2
  exit "${rest:-3}"
  ;;
verbose)
  head -c 1000000 /dev/zero | tr '\0' 'x' >&2
  echo "the end" >&2
  exit 3
  ;;
once)
  [ "$SWITCHBOARD_ATTEMPT" -gt 1 ] || exit 75
  echo "attempt $SWITCHBOARD_ATTEMPT"
  ;;
large)
  head -c "$rest" /dev/zero | tr '\0' 'x'
  ;;
environment)
  env | cut -d= -f1 | sort
  echo "$SWITCHBOARD_SESSION $SWITCHBOARD_CHANNEL $SWITCHBOARD_TURN $SWITCHBOARD_ATTEMPT $SWITCHBOARD_SENDER $SWITCHBOARD_PHASE"
  ;;
holder)
  # Leaves a child behind that holds the output open.
  stubborn
  echo left
  ;;
escaped)
  # Leaves a process behind that holds the output open from outside of the group.
  setsid sleep 3600 &
  echo $! >>"$PIDS"
  echo left
  ;;
killed)
  kill -KILL $$
  ;;
silent)
  exit 9
  ;;
esac
