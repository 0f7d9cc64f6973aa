#!lua flags=allow-oom
-- watch: how does this task stand, for the queue that has sent it or waits for it? Of one that is open its end will be told
-- there. May run twice.
--   args: { home, id, trip, 'call' | 'redriven' | 'watch' }     call: it was sent from there, on that trip; redriven: and has run before
--   keys: P:task:<id>, P:joined:<id>, P:stream:<lane>, P:deps:<id>
--   gives: { open | lost | again: it ended badly on an earlier trip, and is to be redriven } | { ended, s|f|c|e, result or error }
--! include base
--! include rare

local task = rare()
local home, id, trip, kind = args[1], args[2], args[3], args[4]

local function read(one) return pcall('HMGET', TASK .. one, 'entry', 'end', 'trip', 'result', 'error') end
local here, record = id, read(id)
if record.err or not record[1] then
  -- The call had a key, and joined the task that holds it.
  here = call('GET', P .. ':joined:' .. id)
  record = here and read(here) or {}
end
if record.err or not record[1] or task.standing(record[1], record[2]) == 'none' then return { 'lost' } end
local letter = record[2] and string.sub(record[2], 1, 1)
if letter and letter ~= 's' and kind == 'call' and here == id and (tonumber(record[3]) or 0) < tonumber(trip) then
  return { 'again' }
end
if letter then return { 'ended', letter, record[4] or record[5] or '' } end
call('HSET', P .. ':deps:' .. here, home .. '|' .. id, trip)
call('HSET', TASK .. here, 'tied', '1')
if kind ~= 'watch' and here == id then call('HSET', TASK .. id, 'trip', trip) end
return { 'open' }
