-- The owner's right to write: the newest acquire gave it this fence, under one of the names of this process's lives.
local lives, fence = ARGV[5], ARGV[6]

local function isOwner()
  return row.owner ~= '' and row.fence == fence and string.find(lives, row.owner, 1, true) ~= nil
end
