#!lua flags=no-writes
-- inspect: the whole record of one task, its call wherever it is, and who runs it.
--   args: { id }
--   keys: P:task:<id>, the entry that it names, P:scheduled
--   gives: { call | '', worker that runs it | '', since when (epoch ms) | '', when it is due (epoch ms) | '', field, value, … }; nothing when there is
--         no such record, or not one of ours
--! include base
--! include place

local fields = pcall('HGETALL', TASK .. args[1])
if fields.err or #fields == 0 then return nil end
local record = {}
local told = {}
for i = 1, #fields, 2 do
  record[fields[i]] = fields[i + 1]
  -- How others ended is told by their own records; calls that hear of it are no tasks.
  if not string.match(fields[i], '^in:') and not string.match(fields[i], '^hear:') then
    told[#told + 1] = fields[i]
    told[#told + 1] = fields[i + 1]
  end
end

local packed_call, worker, since, due = record.call or '', '', '', ''
if record.entry and not record['end'] then
  local lane, entry = parse_place(record.entry)
  if lane then
    local stream = STREAM .. lane
    local found = pcall('XRANGE', stream, entry, entry)
    if found[1] then packed_call = found[1][2][2] or '' end
    local held = pcall('XPENDING', stream, GROUP, entry, entry, 1)
    if held[1] then worker, since = held[1][2], string.format('%.0f', now - held[1][3]) end
  else
    due = call('ZSCORE', P .. ':scheduled', args[1]) or ''
  end
end
return { packed_call, worker, since, due, unpack(told) }
