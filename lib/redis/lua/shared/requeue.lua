-- Moves a task from one entry to a new one at the head of the line, so that another worker takes it. The new entry
-- is a new token: what the old holder still sends is fenced. attempt: those that were begun so far.
local function requeue(id, lane, entry, packed_call, attempt, created)
  local place
  if attempt > 0 then
    place = call('XADD', STREAM .. 'first', '*', id, packed_call, 'attempt', tostring(attempt))
  else
    place = call('XADD', STREAM .. 'first', '*', id, packed_call)
  end
  call('HSET', TASK .. id, 'entry', place_of('first', place), 'attempt', tostring(attempt),
    'created', created or string.match(entry, '^%d+'))
  drop(lane, entry)
end
