#!lua flags=allow-oom
-- beat: a worker says that it lives. `register` makes the registration; a beat only refreshes one that is there:
-- who was declared dead comes back under a new id or not at all.
--   args: { worker, lease, 'register', field, value, … } or { worker, lease }      lease in ms
--   keys: P:workers zset worker → when its lease ends (0 = declared dead), P:worker:<id> hash
--         `started` in that hash: the registration's time
--         `since`: from when on every beat came in time (shared by recover as its gate). In time is at
--         half the lease: an outage that ends the lease of another is seen by all, and not only by those it ended too
--   gives: alive | dead; `alive <question>` where somebody waits for an answer (ask.lua)
--! include base

local worker, lease, workers = args[1], tonumber(args[2]), P .. ':workers'
local details, DAY = P .. ':worker:' .. worker, 86400000
local expiry = call('ZSCORE', workers, worker)

if args[3] == 'register' and not expiry then
  call('HSET', details, 'since', now, 'started', now, unpack(args, 4))
elseif not expiry or expiry == '0' then
  return 'dead'
elseif tonumber(expiry) < now + lease / 2 then
  call('HSET', details, 'since', now)
end
call('ZADD', workers, now + lease, worker)
call('PEXPIRE', details, DAY)
local question, till = unpack(call('HMGET', details, 'question', 'until'))
return question and tonumber(till) > tonumber(now) and 'alive ' .. question or 'alive'
