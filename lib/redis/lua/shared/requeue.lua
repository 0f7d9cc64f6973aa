-- Moves a task from one entry to a new one at the head of the line, so that another worker takes it. The new entry
-- is a new token: what the old holder still sends is fenced. attempt: those that were begun so far.
local function requeue(id, lane, entry, packed_call, attempt, created)
  local place
  if attempt > 0 then
    place = call('XADD', stream_of('first'), '*', id, packed_call, 'attempt', tostring(attempt))
  else
    place = call('XADD', stream_of('first'), '*', id, packed_call)
  end
  call('HSET', task_of(id), 'entry', 'first/' .. place, 'attempt', tostring(attempt),
    'created', created or string.match(entry, '^%d+'))
  call('HDEL', task_of(id), 'state', 'worker', 'started')
  drop(lane, entry)
end
