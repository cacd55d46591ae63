-- A transcript: a list, bounded. `dropped` in the session counts what went from its front, so that places stay good.
local SLACK = 64

local function appendTranscript(session, entries, bound)
  if #entries == 0 then return end
  local length = redis.call('RPUSH', key('t', session), unpack(entries))
  if length <= bound + SLACK then return end
  redis.call('LTRIM', key('t', session), length - bound, -1)
  redis.call('HINCRBY', key('s', session), 'dropped', length - bound)
end
