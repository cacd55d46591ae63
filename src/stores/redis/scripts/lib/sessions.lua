-- Sessions: a hash each, and indexes that are ordered by their members, `<minute of the last activity>.<id>`: `l`, and
-- `p` for the pinned.
local MINUTE = 60000

local function placeOf(id, time)
  return string.format('%09.0f.', math.floor(tonumber(time) / MINUTE)) .. id
end

local function indexOf(pinned)
  return base .. (pinned == '' and 'l' or 'p')
end

local function createSession(id, source, agent, title, settings)
  redis.call('HSET', key('s', id), 'channel', channel, 'source', source, 'agent', agent, 'title', title,
    'createdAt', now, 'updatedAt', now, 'lastActivityAt', now, 'stats', '0,0,0,0', 'settings', settings)
  redis.call('ZADD', base .. 'l', 0, placeOf(id, now))
end

-- Writes the fields (a list of pairs). False where the session is no more.
local function changeSession(id, fields, active)
  local before = redis.call('HMGET', key('s', id), 'lastActivityAt', 'pinned')
  if not before[1] then return false end
  local last, wasPinned = active and now or before[1], before[2] or ''
  local pinned = wasPinned
  for index = 1, #fields, 2 do
    if fields[index] == 'pinned' then pinned = fields[index + 1] end
  end
  redis.call('HSET', key('s', id), 'updatedAt', now, 'lastActivityAt', last, unpack(fields))
  local from, to = placeOf(id, before[1]), placeOf(id, last)
  if from ~= to or pinned ~= wasPinned then
    redis.call('ZREM', indexOf(wasPinned), from)
    redis.call('ZADD', indexOf(pinned), 0, to)
  end
  return true
end

-- The session goes with all that is its own when `keep` milliseconds have passed (0: never).
local function archiveSession(id, keep)
  changeSession(id, { 'archivedAt', now }, false)
  if keep > 0 then redis.call('ZADD', base .. 'e', tonumber(now) + keep, id) end
end

local function eraseSession(id)
  local found = redis.call('HMGET', key('s', id), 'lastActivityAt', 'pinned')
  if found[1] then redis.call('ZREM', indexOf(found[2] or ''), placeOf(id, found[1])) end
  redis.call('ZREM', base .. 'e', id)
  for _, ask in ipairs(redis.call('SMEMBERS', key('as', id))) do
    -- See asks.lua.
    local place = redis.call('HGET', key('a', ask), 'place')
    if place then redis.call('ZREM', base .. 'q', place) end
    redis.call('ZREM', base .. 'u', ask)
    redis.call('UNLINK', key('a', ask))
  end
  redis.call('UNLINK', key('s', id), key('t', id), key('as', id))
end
