#!lua
-- enqueue: accepts calls. Refused as a whole at maxmemory, before anything is written.
--   args: { lane, id, call, lane, id, call, … }
--   keys: P:task:<id> hash is made, P:stream:<lane> gets its entry { id → call }
--   each: new → record with its place in line; known id → nothing (this batch was sent before: a replay)
--   gives: how many were new
--! include base

local accepted = 0
for i = 1, #args, 3 do
  local lane, id = args[i], args[i + 1]
  local key = task_of(id)
  if call('EXISTS', key) == 0 then
    -- One field at enqueue: a queued record has no `state`, and its creation time is that of the entry.
    call('HSET', key, 'entry', lane .. '/' .. call('XADD', stream_of(lane), '*', id, args[i + 2]))
    accepted = accepted + 1
  end
end
return accepted
