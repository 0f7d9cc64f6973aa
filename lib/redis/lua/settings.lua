#!lua flags=allow-oom
-- settings: reads what operators have set for all workers or for one, and changes it. May run twice.
--   args: { worker | '', name, value | '', … }     names: paused ('1'), concurrency; '' = as if it had never been set
--         with a worker: its own concurrency
--   keys: P:settings hash, P:worker:<id> hash (fields `asked`: its own concurrency; `order`: see order.lua)
--   gives: { '1' | '' paused, concurrency | '' the worker's own, else that of all, 'quiet' | 'stop' | '' what it was told };
--         'none': no such worker
--! include base

local worker, settings = args[1], P .. ':settings'
local own = P .. ':worker:' .. worker
if worker ~= '' and call('EXISTS', own) == 0 then return 'none' end
for i = 2, #args, 2 do
  local name, value, key = args[i], args[i + 1], settings
  if worker ~= '' and name == 'concurrency' then name, key = 'asked', own end
  if value == '' then call('HDEL', key, name) else call('HSET', key, name, value) end
end
-- Pausing is said in so many words: it is heard before any entry that is delivered later.
if #args > 1 then call('PUBLISH', P .. ':control', call('HEXISTS', settings, 'paused') == 1 and 'paused' or 'settings') end
local told = worker ~= '' and call('HMGET', own, 'asked', 'order') or {}
return { call('HGET', settings, 'paused') or '', told[1] or call('HGET', settings, 'concurrency') or '', told[2] or '' }
