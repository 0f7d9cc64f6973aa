#!lua flags=allow-oom
-- attach: how do these tasks stand? With join, open ones also tell this client their progress and outcome. One whose
-- time is over ends now, should no worker be there to do it.
-- May run twice.
--   args: { client, join ('1' | '0'), failed_ttl, max_failed, id, … }
--   keys: P:task:<id>, P:stream:<lane>; P:deps:<parent>, P:releasing, P:flow:<flow>, P:outbox where other tasks are concerned
--   each: { 'open' }, or { 'open', progress, its version } | { 'lost' } no such record, or not one of ours, or its entry is gone without
--         an outcome (deleted by hand): nobody will ever run it, and the record goes too
--         | { state, value }, or { state } when the value is large: read it from the record
--! include base
--! include replies
--! include rare
--! include settle

local task = rare()
local client, join, failed_ttl, max_failed, answers = args[1], args[2] == '1', args[3], args[4], {}
local MAX_CLIENTS = 256

local function is_over(record)
  local over = (record[8] or record[9]) and task.time_over(record[10], record[8], record[9])
  return over and over <= tonumber(now)
end

local attach
function attach(id, again)
  local key = TASK .. id
  local record = pcall('HMGET', key, 'entry', 'end', 'result', 'error', 'progress', 'clients', 'version', 'expires', 'deadline', 'attempt',
    'needs', 'tied')
  if record.err or not record[1] then return { 'lost' } end
  if record[2] then
    local value = record[3] or record[4] or ''
    local state = task.STATES[string.sub(record[2], 1, 1)]
    return #value <= MAX_INLINE and { state, value } or { state }
  end
  if not again and is_over(record) and task.expire(id, failed_ttl, max_failed) then return attach(id, true) end
  if task.standing(record[1]) == 'none' then
    call('PEXPIRE', key, LAST_LOOK)
    task.leave_line(id)
    if record[12] then task.dependents().lose(id) end
    return { 'lost' }
  end
  if record[11] then task.parents().look_after(id) end
  if string.find(record[1], '^away/') then task.ask_after(id) end
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

for i = 5, #args do answers[i - 4] = attach(args[i]) end
publish_all()
task.tell_nearest()
return answers
