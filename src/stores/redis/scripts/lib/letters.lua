-- Dead letters: a hash each, and an index by time (`z`).
local function forgetLetter(letter)
  redis.call('UNLINK', key('d', letter))
  redis.call('ZREM', base .. 'z', letter)
end

-- Puts the letter's message at the end of the inbox again. False where it is gone.
local function replayLetter(letter)
  local entry = redis.call('HGET', key('d', letter), 'message')
  if not entry then return false end
  forgetLetter(letter)
  redis.call('RPUSH', key('i'), entry)
  replaceReceipt(string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1), now36 .. ',q,' .. row.tail)
  set('tail', tonumber(row.tail) + 1)
  markPending()
  return true
end
