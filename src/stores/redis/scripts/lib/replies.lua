-- The outbox: a hash, id → `state attempts notBefore`, the message to edit, and what is to be said, each on a line.
local function replyText(state, attempts, notBefore, ref, draft)
  return state .. ' ' .. attempts .. ' ' .. notBefore .. '\n' .. ref .. '\n' .. draft
end

-- `drafts` is a list of pairs: the message to edit (or empty), and the draft. Returns the number of the first.
local function addReplies(drafts)
  if #drafts == 0 then return '' end
  markPending()
  local entries, first = {}, tonumber(row.replies) + 1
  for index = 1, #drafts, 2 do
    entries[#entries + 1] = string.format('%.0f', first + (index - 1) / 2)
    entries[#entries + 1] = replyText('pending', '0', '', drafts[index], drafts[index + 1])
  end
  redis.call('HSET', key('o'), unpack(entries))
  set('replies', first + #drafts / 2 - 1)
  return string.format('%.0f', first)
end
