#!lua flags=no-writes
-- counts: how many tasks are in each state. Costs the same however many there are.
--   args: { }
--   keys: P:stream:<lane>, P:void:<lane>, P:line:<lane>, P:front, P:waiting, P:scheduled, P:parked, P:failed, P:ended
--   gives: { lane, queued, running, …, 'waiting', n, 'scheduled', n, 'parked', n, 'failed', n that are kept, 'ended', { state, n, … } }
--! include base

local answer = {}
for _, lane in ipairs(LANES) do
  local stream, queued, running = STREAM .. lane, 0, 0
  local groups = pcall('XINFO', 'GROUPS', stream)
  if groups.err then
    groups = {}
  elseif #groups == 0 then
    queued = call('XLEN', stream)
  end
  for _, group in ipairs(groups) do
    if group[2] == GROUP then
      running = group[6]
      -- Unknown after an unread entry was deleted by hand: then all that is not pending.
      queued = group[12] or math.max(call('XLEN', stream) - running, 0)
    end
  end
  queued = math.max(queued - call('SCARD', P .. ':void:' .. lane), 0)
  queued = queued + call('ZCARD', P .. ':line:' .. lane)
  if lane == 'first' then queued = queued + call('LLEN', P .. ':front') end
  answer[#answer + 1] = lane
  answer[#answer + 1] = queued
  answer[#answer + 1] = running
end
for _, set in ipairs({ 'waiting', 'scheduled', 'parked', 'failed' }) do
  answer[#answer + 1] = set
  answer[#answer + 1] = call('ZCARD', P .. ':' .. set)
end
answer[#answer + 1] = 'ended'
answer[#answer + 1] = call('HGETALL', P .. ':ended')
return answer
