#!lua flags=allow-oom
-- brought: these letters have arrived. The stand-in of a task whose end nobody here wants goes with its letter. May run twice.
--   args: { letter, … }
--   keys: P:outbox, P:task:<id>
--   gives: how many there were
--! include base

local count = 0
for i = 1, #args do
  local id, trip = string.match(args[i], '^call %S+ (%S+) (%d+)$')
  local record = id and pcall('HMGET', TASK .. id, 'entry', 'end', 'back', 'trip') or {}
  local is_done = record[1] and string.find(record[1], '^away/') and not record[2] and not record[3] and record[4] == trip
  if is_done then call('DEL', TASK .. id) end
  count = count + call('ZREM', P .. ':outbox', args[i])
end
return count
