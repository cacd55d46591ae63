-- Changes a message that waits, or drops it: what waits behind it moves up.
-- KEYS  1 the channel's row
-- ARGV  base, channel, now, now in base 36 · the message as it waits, as it shall wait (empty: not at all), receipt of a dropped one
-- Gives 1, or 0 where it doesn't wait so any more
-- #include lib/channel.lua lib/receipts.lua lib/replies.lua lib/turns.lua
local before, after, receipt = ARGV[5], ARGV[6], ARGV[7]

local function idOf(entry)
  return string.sub(entry, 1, string.find(entry, '\n', 1, true) - 1)
end

readRow()
local first = inFlight()
local entries = redis.call('LRANGE', key('i'), first, -1)
for index, entry in ipairs(entries) do
  if entry == before then
    if after ~= '' then
      redis.call('LSET', key('i'), first + index - 1, after)
      return 1
    end
    redis.call('LREM', key('i'), 1, before)
    replaceReceipt(idOf(before), receipt)
    for behind = index + 1, #entries do
      local id = idOf(entries[behind])
      local time, place = string.match(findReceipt(id) or '', '^%-?(%w+),q,(%d+)$')
      if time then replaceReceipt(id, time .. ',q,' .. string.format('%.0f', tonumber(place) - 1)) end
    end
    set('tail', tonumber(row.tail) - 1)
    saveRow()
    return 1
  end
end
return 0
