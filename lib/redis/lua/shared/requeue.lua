-- Moves a task from one entry to a new one at the head of the line, so that another worker takes it. The new entry
-- is a new token: what the old holder still sends is fenced. attempt: those that were begun so far.
local function requeue(id, lane, entry, packed_call, attempt, created)
  local key = TASK .. id
  call('HSET', key, 'attempt', tostring(attempt), 'created', created or string.match(entry, '^%d+'))
  if lane ~= 'first' then call('HSET', key, 'home', lane) end
  enter(id, 'first', packed_call) -- where its key has a limit it keeps its slot
  drop(lane, entry)
end
