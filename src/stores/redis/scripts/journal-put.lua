-- Writes one entry of a channel's display log; one with the same key is replaced in its place. Forgets the oldest.
-- KEYS  1 entries (hash: key → order, version, body), 2 keys by order, 3 keys by version
-- ARGV  key, body, how many are kept, how many too many are borne
-- Gives the entry's version
local name, kept, slack = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local newest = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local version = (tonumber(newest[2]) or 0) + 1
local order = tonumber(redis.call('ZSCORE', KEYS[2], name) or version)
redis.call('HSET', KEYS[1], name, string.format('%.0f\n%.0f\n', order, version) .. ARGV[2])
redis.call('ZADD', KEYS[2], order, name)
redis.call('ZADD', KEYS[3], version, name)
local excess = redis.call('ZCARD', KEYS[2]) - kept
if excess > slack then
  -- All but the one that was just written, however old its place: the newest version is what the next one counts from.
  local old = {}
  for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, excess - 1)) do
    if oldest ~= name then old[#old + 1] = oldest end
  end
  redis.call('HDEL', KEYS[1], unpack(old))
  redis.call('ZREM', KEYS[2], unpack(old))
  redis.call('ZREM', KEYS[3], unpack(old))
end
return version
