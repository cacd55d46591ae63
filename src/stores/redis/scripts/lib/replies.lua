-- The outbox: a hash, id → `state attempts time`, the message to edit, and what is to be said, each on a line. The time:
-- not to be tried before (pending), or when the send that is in doubt was begun (sending).
local function replyText(state, attempts, time, ref, draft)
  return state .. ' ' .. attempts .. ' ' .. time .. '\n' .. ref .. '\n' .. draft
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
  callWith('HSET', key('o'), entries)
  set('replies', first + #drafts / 2 - 1)
  return string.format('%.0f', first)
end
