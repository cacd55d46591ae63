-- A turn that waits for people: while one of its asks is open, and nobody has cancelled it, there is nothing to do about it.
local function isSuspended(turn, asks, cancelled)
  if asks == '' or cancelled ~= '' or string.sub(turn, -10) ~= ' suspended' then return false end
  return string.find(asks, ',' .. string.match(turn, '^%S+') .. ';', 1, true) ~= nil
end

-- One that waited for people, and does not any more.
local function isAwake()
  return string.sub(row.turn, -10) == ' suspended' and not isSuspended(row.turn, row.asks, row.cancelled)
end
