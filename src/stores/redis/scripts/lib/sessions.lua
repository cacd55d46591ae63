-- Sessions: a hash each, and indexes that are ordered by their members, `<minute of the last activity>.<id>`: `l`, and
-- `p` for the pinned. The shard's figures (`n`): how many current ones there are of each source, how many of those have
-- an error, and the sums of all turns that ever were.
local MINUTE = 60000

local function placeOf(id, time)
  return string.format('%09.0f.', math.floor(tonumber(time) / MINUTE)) .. id
end

local function indexOf(pinned)
  return base .. (pinned == '' and 'l' or 'p')
end

local function countCurrent(step, source, error)
  redis.call('HINCRBY', base .. 'n', source, step)
  if (error or '') ~= '' then redis.call('HINCRBY', base .. 'n', 'error', step) end
end

-- Adds what the session's own sums (turns, failed, tokens in and out, two times, cost) have grown by.
local function countTurns(before, after)
  local SUMS = '^([^,]*),([^,]*),([^,]*),([^,]*),?[^,]*,?[^,]*,?([^,]*)'
  local were, are = { string.match(before, SUMS) }, { string.match(after, SUMS) }
  for index, figure in ipairs({ 'turns', 'failed', 'tokensIn', 'tokensOut', 'cost' }) do
    local step = (tonumber(are[index]) or 0) - (tonumber(were[index]) or 0)
    -- Redis would end the script over what is no number, and half of a turn's end would be written.
    if math.abs(step) > 0 and math.abs(step) < math.huge then
      redis.call('HINCRBYFLOAT', base .. 'n', figure, string.format('%.15g', step))
    end
  end
end

local function createSession(id, source, agent, title, settings, project)
  redis.call('HSET', key('s', id), 'channel', channel, 'source', source, 'agent', agent, 'title', title,
    'createdAt', now, 'updatedAt', now, 'lastActivityAt', now, 'stats', '0,0,0,0', 'settings', settings,
    'project', project)
  redis.call('ZADD', base .. 'l', 0, placeOf(id, now))
  countCurrent(1, source)
end

-- Writes the fields (a list of pairs). False where the session is no more.
local function changeSession(id, fields, active)
  local before = redis.call('HMGET', key('s', id), 'lastActivityAt', 'pinned', 'stats', 'error', 'archivedAt')
  if not before[1] then return false end
  local last, wasPinned, hadError = active and now or before[1], before[2] or '', (before[4] or '') ~= ''
  local pinned, stats, hasError = wasPinned, before[3], hadError
  for index = 1, #fields, 2 do
    local field, value = fields[index], fields[index + 1]
    if field == 'pinned' then pinned = value end
    if field == 'stats' then stats = value end
    if field == 'error' then hasError = value ~= '' end
  end
  if stats ~= before[3] then countTurns(before[3] or '', stats) end
  if hasError ~= hadError and (before[5] or '') == '' then
    redis.call('HINCRBY', base .. 'n', 'error', hasError and 1 or -1)
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
  local found = redis.call('HMGET', key('s', id), 'source', 'error')
  if changeSession(id, { 'archivedAt', now }, false) then countCurrent(-1, found[1], found[2]) end
  if keep > 0 then redis.call('ZADD', base .. 'e', tonumber(now) + keep, id) end
end

-- Whether the channel has such a one.
local function isArchived(id)
  local found = redis.call('HMGET', key('s', id), 'channel', 'archivedAt')
  return found[1] == channel and (found[2] or '') ~= ''
end

-- It is as it was before it was archived.
local function reviveSession(id)
  local found = redis.call('HMGET', key('s', id), 'source', 'error')
  changeSession(id, { 'archivedAt', '' }, true)
  countCurrent(1, found[1], found[2])
  redis.call('ZREM', base .. 'e', id)
end

local function eraseSession(id)
  local found = redis.call('HMGET', key('s', id), 'lastActivityAt', 'pinned', 'source', 'error', 'archivedAt')
  if found[1] then
    redis.call('ZREM', indexOf(found[2] or ''), placeOf(id, found[1]))
    if (found[5] or '') == '' then countCurrent(-1, found[3], found[4]) end
  end
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
