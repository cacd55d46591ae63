-- What became of each message and command. The newest stand in the row as text, oldest first, each `;id,time,state`
-- or `;id,time,state,detail`. What leaves it goes to a hash (bucket), a few at a time; a new bucket is begun when the
-- newest has been written to for `dedupeFor`, and the newest two count. Each bucket expires by itself.
-- A minus before the time marks what was caught up.
local RECENT_LEAST, RECENT_MOST = 10, 16

local function bucketKey(number)
  return key('r') .. ':' .. number
end

local function boundsOf(id)
  local first = string.find(row.recent, ';' .. id .. ',', 1, true)
  if not first then return nil end
  local next = string.find(row.recent, ';', first + 1, true)
  return first, next and next - 1 or #row.recent
end

-- `time,state` or `time,state,detail`; nil where the id is not known.
local function findReceipt(id)
  local first, last = boundsOf(id)
  if first then return string.sub(row.recent, first + #id + 2, last) end
  if row.bucket == '' then return nil end
  local newest = tonumber(row.bucket)
  return redis.call('HGET', bucketKey(newest), id) or redis.call('HGET', bucketKey(newest - 1), id) or nil
end

-- What still waits or runs is carried over from the bucket that goes, however old it is.
local function carryOver(from, to)
  local ids = {}
  for _, entry in ipairs(redis.call('LRANGE', key('i'), 0, -1)) do
    ids[#ids + 1] = string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1)
  end
  for _, id in ipairs(redis.call('HKEYS', key('k'))) do ids[#ids + 1] = id end
  for _, id in ipairs(ids) do
    local receipt = redis.call('HGET', from, id)
    if receipt then redis.call('HSET', to, id, receipt) end
  end
  redis.call('UNLINK', from)
end

local function turnBucket(dedupeFor)
  if row.bucket == '' then
    set('bucket', '1')
    set('since', now)
  elseif tonumber(now) >= tonumber(row.since) + dedupeFor then
    set('bucket', tonumber(row.bucket) + 1)
    set('since', now)
    local newest = tonumber(row.bucket)
    carryOver(bucketKey(newest - 2), bucketKey(newest))
  end
end

-- The receipt of something new.
local function addReceipt(id, receipt, dedupeFor)
  local recent = row.recent .. ';' .. id .. ',' .. receipt
  local _, count = string.gsub(recent, ';', ';')
  if count > RECENT_MOST then
    turnBucket(dedupeFor)
    local spilled, start = {}, 1
    for _ = 1, count - RECENT_LEAST do
      local next = string.find(recent, ';', start + 1, true)
      local comma = string.find(recent, ',', start, true)
      spilled[#spilled + 1] = string.sub(recent, start + 1, comma - 1)
      spilled[#spilled + 1] = string.sub(recent, comma + 1, next - 1)
      start = next
    end
    recent = string.sub(recent, start)
    callWith('HSET', bucketKey(row.bucket), spilled)
    redis.call('PEXPIRE', bucketKey(row.bucket), dedupeFor)
  end
  set('recent', recent)
end

-- Puts the new receipt in the place of the one with the same id. Where that has expired with its bucket, it becomes one
-- of the newest: a bucket that is begun here would never expire. What was caught up stays marked so.
local function replaceReceipt(id, receipt)
  if string.sub(findReceipt(id) or '', 1, 1) == '-' then receipt = '-' .. receipt end
  local first, last = boundsOf(id)
  if first then
    set('recent', string.sub(row.recent, 1, first) .. id .. ',' .. receipt .. string.sub(row.recent, last + 1))
  elseif row.bucket == '' or redis.call('EXISTS', bucketKey(row.bucket)) == 0 then
    set('recent', row.recent .. ';' .. id .. ',' .. receipt)
  else
    local newest = tonumber(row.bucket)
    redis.call('HDEL', bucketKey(newest - 1), id)
    redis.call('HSET', bucketKey(newest), id, receipt)
  end
end
