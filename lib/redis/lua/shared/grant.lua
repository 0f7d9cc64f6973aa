-- Gives an entry that was delivered to `worker` the right to run: its record becomes `running` under that owner.
-- The token of this right is the entry itself: whoever gives a task to someone else moves it to a new entry.
-- Answers the attempt's number, or nil and why not: quarantined, stale (both dropped), taken (left to its owner).
local function grant(worker, lane, entry, id)
  if type(id) ~= 'string' or #id > 128 or not string.find(id, '^[%w_.:-]+$') then return nil, 'quarantined', 'bad id' end
  local record = pcall('HMGET', task_of(id), 'entry', 'state', 'worker', 'attempt')
  if record.err then return nil, 'quarantined', 'record of another type' end
  if not record[1] then return nil, 'quarantined', 'no record' end
  if record[1] ~= lane .. '/' .. entry or TERMINAL[record[2]] then
    drop(lane, entry)
    return nil, 'stale'
  end
  local attempt = tonumber(record[4]) or 0
  if record[3] == worker then return attempt end
  if record[3] and leave_to_owner(record[3], lane, entry) then return nil, 'taken' end
  attempt = attempt + 1
  call('HSET', task_of(id), 'state', 'running', 'worker', worker, 'attempt', tostring(attempt), 'started', now)
  return attempt
end
