-- The owner's right to write: the newest acquire gave it this fence, under one of the names of this process's lives.
-- Behind the fence stands the owner's era, which ends whenever an answer got lost. What of an earlier era comes after
-- something of a later one was given up long ago (it lay in a network that was cut): it must not be carried out any more.
local lives, fence, era = ARGV[5], string.match(ARGV[6], '^(%d+)%.(%d+)$')

local function isOwner()
  if row.owner == '' or row.fence ~= fence or not string.find(lives, row.owner, 1, true) then return false end
  if tonumber(era) < tonumber(row.era ~= '' and row.era or '0') then return false end
  if row.era ~= '' and row.era ~= era or row.era == '' and era ~= '0' then set('era', era) end
  return true
end
