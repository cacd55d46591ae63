-- Buckets and pauses of one account. A bucket is the time when it has all its room back, a pause the time when it ends;
-- a key lives only as long as its time lies ahead. Time is the server's, never a process's.
local burst, every, ownBurst, ownEvery = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local rows = redis.call('MGET', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local function ahead(row) return math.max(0, tonumber(rows[row] or 0) - now) end
local function fill(bucket, ms)
  ms = math.ceil(ms)
  if ms > 0 then redis.call('SET', KEYS[bucket], string.format('%.0f', now + ms), 'PX', ms) end
end
