#!lua flags=no-writes
-- inspect: the whole record of one task, and its call wherever it is.
--   args: { id }
--   keys: P:task:<id>, the entry that it names
--   gives: { call | '', field, value, … }; nothing when there is no such record, or not one of ours
--! include base

local record = pcall('HGETALL', task_of(args[1]))
if record.err or #record == 0 then return nil end
local packed_call = ''
for i = 1, #record, 2 do
  if record[i] == 'call' then
    packed_call = record[i + 1]
  elseif record[i] == 'entry' then
    local lane, entry = string.match(record[i + 1], '^(%a+)/(%d+%-%d+)$')
    local found = lane and packed_call == '' and pcall('XRANGE', stream_of(lane), entry, entry)
    if found and found[1] then packed_call = found[1][2][2] or '' end
  end
end
return { packed_call, unpack(record) }
