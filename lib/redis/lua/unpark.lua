#!lua flags=allow-oom
-- unpark: a worker takes parked tasks that it knows. They go through lane first into its pending list in one step, so
-- that a worker that does not know them comes in between only where others lie in lane first before them. May run twice.
--   args: { worker, most, name, … }
--   keys: P:parked zset `<name>/<id>`, of limits as turn, P:task:<id>, P:stream:<lane>, P:expiring, P:workers
--   each: what lay in lane first before is taken as well, up to `most`
--         one whose key has a limit stays parked where that allows none now
--   gives: how many were parked; fewer than `most` = there are no more
--! include base
--! include rare
--! include owner

local task = rare()
local worker, most = args[1], tonumber(args[2])
if not is_registered(worker) then return 0 end
local taken = 0
for i = 3, #args do
  local name = args[i]
  local members = taken < most
    and call('ZRANGE', P .. ':parked', '[' .. name .. '/', '(' .. name .. '0', 'BYLEX', 'LIMIT', 0, most - taken) or {}
  for _, member in ipairs(members) do
    local id = string.sub(member, #name + 2)
    local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call', 'limit')
    if record.err and not string.find(record.err, '^WRONGTYPE') then return record end -- no right to read it
    local lane = not record.err and record[1] and not record[2] and record[3] and string.match(record[1], '^parked/(%a+)$')
    -- Not by way of its line, where a worker might take it that does not know it.
    local stays = lane and record[4] and not task.lines().claim(id, record[4])
    if not stays then
      call('ZREM', P .. ':parked', member)
      call('ZREM', task.EXPIRING, id)
      taken = taken + 1
    end
    if lane and not stays then
      call('HDEL', TASK .. id, 'call', 'unknown')
      if lane ~= 'first' then call('HSET', TASK .. id, 'home', lane) end
      task.enter(id, 'first', record[3])
    end
  end
end
-- Delivered, not returned: they are in the worker's pending list, where it looks for what it does not hold.
if taken > 0 then pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', most, 'STREAMS', STREAM .. 'first', '>') end
task.tell_nearest()
return taken
