#!lua flags=no-writes
-- holds: which tasks a worker holds, in the order of their lanes and entries.
--   args: { worker, most }
--   keys: the group of P:stream:<lane>
--   gives: { lane, entry, id, beginning of its call, ms since it was given to the worker, … }, at most `most` of each lane
--! include base

local HEAD = 512 -- bytes: the name is in them
local answer = {}
for _, lane in ipairs(LANES) do
  local pending = pcall('XPENDING', STREAM .. lane, GROUP, '-', '+', args[2], args[1])
  for _, item in ipairs(pending.err and {} or pending) do
    local found = call('XRANGE', STREAM .. lane, item[1], item[1])[1]
    if found and #found[2] > 1 then
      local n = #answer
      answer[n + 1], answer[n + 2], answer[n + 3] = lane, item[1], found[2][1]
      answer[n + 4], answer[n + 5] = string.sub(found[2][2], 1, HEAD), item[3]
    end
  end
end
return answer
