-- Reads the next list from the arguments: its length, then its items. `cursor` is where the lists begin.
local function listAt(cursor)
  local length = tonumber(ARGV[cursor])
  local items = {}
  for index = 1, length do items[index] = ARGV[cursor + index] end
  return items, cursor + length + 1
end
