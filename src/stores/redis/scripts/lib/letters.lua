-- Dead letters: a hash each, and an index by time (`z`).
local function forgetLetter(letter)
  redis.call('UNLINK', key('d', letter))
  redis.call('ZREM', base .. 'z', letter)
end

-- Puts the letter's message at the end of the inbox again, or its reply at the end of the outbox. Gives `inbox` or
-- `outbox`, or false where it is gone.
local function replayLetter(letter)
  local found = redis.call('HMGET', key('d', letter), 'message', 'reply')
  local entry, reply = found[1], found[2]
  if not entry and not reply then return false end
  forgetLetter(letter)
  if reply then
    addReplies({ '', reply })
    return 'outbox'
  end
  redis.call('RPUSH', key('i'), entry)
  replaceReceipt(string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1), now36 .. ',q,' .. row.tail)
  set('tail', tonumber(row.tail) + 1)
  markPending()
  return 'inbox'
end
