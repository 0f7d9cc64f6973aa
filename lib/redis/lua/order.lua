#!lua flags=allow-oom
-- order: tells a worker, or all that are registered now, to become quiet or to stop. It stands in the registration, where
-- the worker reads it after every reconnect; the word on P:control hurries it. May run twice.
--   args: { quiet | stop, worker | '' }
--   keys: P:workers, P:worker:<id> hash (field `order`)
--   each: registered and not declared dead → told; who was told to stop stays told so
--   gives: how many were told, now or before
--! include base
--! include owner

local order, one, told = args[1], args[2], 0
-- As many as there are: 2 µs each, and nobody orders often.
local workers = one == '' and call('ZRANGE', P .. ':workers', '(0', '+inf', 'BYSCORE') or { one }
for _, worker in ipairs(workers) do
  local details = P .. ':worker:' .. worker
  if is_registered(worker) and call('EXISTS', details) == 1 then
    if call('HGET', details, 'order') ~= 'stop' then call('HSET', details, 'order', order) end
    told = told + 1
  end
end
if told > 0 then call('PUBLISH', P .. ':control', one == '' and 'order' or 'order ' .. one) end
return told
