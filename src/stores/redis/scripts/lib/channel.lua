-- The row of a channel: one hash. Read once, changed in memory, written once at the end of a script.
-- An empty field is as good as none. `base` is the prefix of all keys of the channel's shard.
local base, channel, now, now36 = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local FIELDS = {
  'owner', 'fence', 'session', 'head', 'tail', 'turns', 'replies', 'pending', 'recent', 'bucket', 'since',
  'turn', 'preview', 'cancelled', 'retryAt', 'ended', 'finished', 'era',
  'asks', 'asked',
}

local function key(kind, name)
  return base .. kind .. ':' .. (name or channel)
end

-- `unpack` can't take thousands at once. Items go in even parts, so that pairs stay together.
local function callWith(command, name, items)
  for first = 1, #items, 1000 do
    redis.call(command, name, unpack(items, first, math.min(first + 999, #items)))
  end
end

local row, changes, isKept = {}, {}, false

local function readRow()
  local values = redis.call('HMGET', key('c'), unpack(FIELDS))
  for index, field in ipairs(FIELDS) do row[field] = values[index] or '' end
  if row.head == '' then
    -- A row may have expired with all that was in it. What it counted must not begin again where ids of before would
    -- be given out once more, so a new row counts on from the time, in seconds.
    local start = string.format('%.0f', math.floor(tonumber(now) / 1000))
    row.head, row.tail, row.turns, row.replies = '1', '1', start, start
    for _, field in ipairs({ 'head', 'tail', 'turns', 'replies' }) do
      changes[#changes + 1] = field
      changes[#changes + 1] = row[field]
    end
  end
end

local function set(field, value)
  if type(value) == 'number' then value = string.format('%.0f', value) end
  row[field] = value
  changes[#changes + 1] = field
  changes[#changes + 1] = value
end

local function saveRow()
  callWith('HSET', key('c'), changes)
  if isKept then redis.call('PERSIST', key('c')) end
end

local function nextOf(counter)
  set(counter, tonumber(row[counter]) + 1)
  return row[counter]
end

local function waiting()
  return tonumber(row.tail) - tonumber(row.head)
end

-- Puts the channel on the list of those with something to do; the sweep takes it off.
local function markPending()
  if row.pending ~= '' then return end
  set('pending', '1')
  redis.call('SADD', base .. 'w', channel)
end

-- A row without a session expires (see refuse.lua, remove.lua); it must not once there is something in it to keep.
-- Done with the last write: Redis tells a script that memory is out at its first one, and PERSIST is always allowed.
local function keepRow()
  isKept = row.session == ''
end
