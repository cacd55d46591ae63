-- Entries of a channel's display log.
-- KEYS  1 entries, 2 keys by order, 3 keys by version
-- ARGV  `since` or `page`, version or order (not included; empty: all), limit
-- Gives pairs: key, entry. `since` by version, `page` the newest first
local names
if ARGV[1] == 'since' then
  names = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[2], '+inf', 'LIMIT', 0, ARGV[3])
else
  names = redis.call('ZREVRANGEBYSCORE', KEYS[2], ARGV[2] == '' and '+inf' or '(' .. ARGV[2], '-inf', 'LIMIT', 0, ARGV[3])
end
local found = {}
for _, name in ipairs(names) do
  found[#found + 1] = name
  found[#found + 1] = redis.call('HGET', KEYS[1], name)
end
return found
