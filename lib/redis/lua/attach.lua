#!lua flags=allow-oom
-- attach: how do these tasks stand? With join, open ones also tell this client their progress and outcome.
-- May run twice.
--   args: { client, join ('1' | '0'), id, … }
--   keys: P:task:<id>, P:stream:<lane>
--   each: { 'open' }, or { 'open', progress, its version } | { 'lost' } no such record, or not one of ours, or its entry is gone without
--         an outcome (deleted by hand): nobody will ever run it, and the record goes too
--         | { state, value }, or { state } when the value is large: read it from the record
--! include base

local client, join, answers = args[1], args[2] == '1', {}
local MAX_CLIENTS = 256

local function is_in_line(place)
  local lane, entry = parse_place(place)
  if not lane then return false end
  local found = pcall('XRANGE', STREAM .. lane, entry, entry)
  if #found > 0 then return true end
  local pending = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)
  return #pending > 0
end

local function attach(id)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'result', 'error', 'progress', 'clients', 'version')
  if record.err or not record[1] then return { 'lost' } end
  if record[2] then
    local value = record[3] or record[4] or ''
    local state = string.sub(record[2], 1, 1) == 's' and 'succeeded' or 'failed'
    return #value <= MAX_INLINE and { state, value } or { state }
  end
  if not is_in_line(record[1]) then
    call('PEXPIRE', key, LAST_LOOK)
    return { 'lost' }
  end
  if join then
    local clients = {}
    for name in string.gmatch(record[6] or '', '%S+') do
      if name ~= client then clients[#clients + 1] = name end
    end
    -- Past this many the oldest is left to its own sweep.
    if #clients >= MAX_CLIENTS then table.remove(clients, 1) end
    clients[#clients + 1] = client
    call('HSET', key, 'clients', table.concat(clients, ' '))
  end
  return record[5] and { 'open', record[5], record[7] or '0' } or { 'open' }
end

for i = 3, #args do answers[i - 2] = attach(args[i]) end
return answers
