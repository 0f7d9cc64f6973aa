#!lua flags=no-writes
-- workers: who is registered, and how each of them stands.
--   args: { most }
--   keys: P:workers, P:worker:<id>, P:settings, the group of P:stream:<lane>
--   each: silent = its lease is over or it was declared dead, and nobody has cleared it away yet; else stopping or quiet,
--         as it was told; else paused, as the queue is; else running
--   gives: { { id, state, host, pid, concurrency, tasks, started, last beat, entries that it holds }, … },
--         those first that were silent for longest; times in epoch ms; '' where the registration does not say
--! include base

-- A beat gives the registration another day (beat.lua), so its expiry tells when the last one came.
local DAY, FIELDS = 86400000, { 'host', 'pid', 'asked', 'concurrency', 'tasks', 'started', 'order' }
local held, paused, asked = {}, call('HEXISTS', P .. ':settings', 'paused') == 1, call('HGET', P .. ':settings', 'concurrency')
for _, lane in ipairs(LANES) do
  -- Names those alone that hold something, which XINFO CONSUMERS does not: 8 ms for a thousand workers, and not 13.
  local pending = pcall('XPENDING', STREAM .. lane, GROUP)
  for _, consumer in ipairs(not pending.err and pending[4] or {}) do
    held[consumer[1]] = (held[consumer[1]] or 0) + consumer[2]
  end
end

local answer, leases = {}, call('ZRANGE', P .. ':workers', 0, args[1] - 1, 'WITHSCORES')
for i = 1, #leases, 2 do
  local worker, state = leases[i], paused and 'paused' or 'running'
  local details = P .. ':worker:' .. worker
  local host, pid, own, concurrency, tasks, started, order = unpack(call('HMGET', details, unpack(FIELDS)))
  local expires = call('PEXPIRETIME', details)
  if order then state = order == 'stop' and 'stopping' or 'quiet' end
  if tonumber(leases[i + 1]) < tonumber(now) then state = 'silent' end
  answer[#answer + 1] = { worker, state, host or '', pid or '', own or asked or concurrency or '', tasks or '', started or '',
    expires < 0 and '' or string.format('%.0f', expires - DAY), held[worker] or 0 }
end
return answer
