#!lua flags=no-writes
-- survey: entries of a lane that name no record, some at a time. Workers that meet one put it into quarantine.
--   args: { lane, after, most }     after: '' or what the last answer gave; most: entries to look at
--   keys: P:stream:<lane>, P:void:<lane>, P:task:<id>
--   each: unread or pending, not void, and without a record → counts
--   gives: { after | '' there are no more, looked at, entry that counts, … }
--! include base
--! include rare

local task = rare()
--! include disorder
local lane, after, most = args[1], args[2], tonumber(args[3])
local stream = STREAM .. lane
local found = call('XRANGE', stream, after == '' and '-' or '(' .. after, '+', 'COUNT', most)
local answer = { #found == most and found[most][1] or '', #found }
for _, item in ipairs(found) do
  local entry, id = item[1], item[2][1]
  local has_record = #item[2] > 1 and call('EXISTS', TASK .. id) == 1
  if not has_record and call('SISMEMBER', P .. ':void:' .. lane, entry) == 0
    and (is_unread(lane, entry) or #pcall('XPENDING', stream, GROUP, entry, entry, 1) > 0) then
    answer[#answer + 1] = entry
  end
end
return answer
