-- A transcript: a list, bounded. `dropped` in the session counts what went from its front, so that places stay good.
local SLACK = 64

local function appendTranscript(session, entries, bound)
  if #entries == 0 then return end
  callWith('RPUSH', key('t', session), entries)
  local length = redis.call('LLEN', key('t', session))
  if length <= bound + SLACK then return end
  redis.call('LTRIM', key('t', session), length - bound, -1)
  redis.call('HINCRBY', key('s', session), 'dropped', length - bound)
end
