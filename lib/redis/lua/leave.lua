#!lua flags=allow-oom
-- leave: ends a worker's registration, once it holds nothing. DELCONSUMER destroys pending entries, so never before.
--   args: { worker }
--   keys: P:workers, P:worker:<id>, the group of P:stream:<lane>
--   gives: how many entries it still holds; 0 = it has left
--! include base

local worker, held = args[1], 0
for _, lane in ipairs(LANES) do
  local pending = pcall('XPENDING', STREAM .. lane, GROUP, '-', '+', 1000, worker)
  if not pending.err then held = held + #pending end
end
if held > 0 then return held end
for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', STREAM .. lane, GROUP, worker) end
call('ZREM', P .. ':workers', worker)
call('DEL', P .. ':worker:' .. worker)
return 0
