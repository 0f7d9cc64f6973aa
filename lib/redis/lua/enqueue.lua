#!lua
-- enqueue: accepts calls. Refused as a whole at maxmemory, before anything is written.
--   args: { resent ('1' | '0'), lane, id, call, lane, id, call, … }
--   keys: P:task:<id> hash is made, P:stream:<lane> gets its entry { id → call }
--   each: new → record with its place in line; known id → nothing (this batch was sent before: a replay)
--   gives: how many were new
--! include base

local resent, accepted = args[1] == '1', 0
local lane, stream, prefix
for i = 2, #args, 3 do
  local id = args[i + 1]
  if args[i] ~= lane then
    lane = args[i]
    stream, prefix = STREAM .. lane, place_of(lane, '')
  end
  if not resent or call('EXISTS', TASK .. id) == 0 then
    -- One field at enqueue: all else is known from the entry and the pending list.
    local entry = call('XADD', stream, '*', id, args[i + 2])
    if pcall('HSETNX', TASK .. id, 'entry', prefix .. entry) == 1 then
      accepted = accepted + 1
    else
      -- The first copy of a batch, overtaken on its way by the second; or a key of another type.
      call('XDEL', stream, entry)
    end
  end
end
return accepted
