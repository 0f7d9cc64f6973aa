#!lua flags=allow-oom
-- promote: does what was scheduled for a time that has come, a bounded number of tasks at once. May run twice.
--   args: { most, failed_ttl, max_failed }
--   keys: P:scheduled, P:expiring, P:waiting, P:task:<id>, P:stream:<lane>, P:parked, P:key:<key>, P:void:<lane>, P:resting, P:ring, P:line:<lane>, P:limit:<key>, P:busy:<key>,
--         P:rate:<key>, P:settings, P:releasing, P:deps:<parent>, P:flow:<flow>, P:reply:<client>, P:control (published)
--   each: scheduled → last of its lane; not started or not ended in time → expired; parked for too long → failed;
--         a key that has rested takes its turn again; has ended, and not all who wait for it are told → some more of them are
--   gives: { ms until there is something to do again (0: now, -1: nothing is scheduled), the time, lined up, ended }
--! include base
--! include replies
--! include rare
--! include settle

local task = rare()
local most, failed_ttl, max_failed = args[1], args[2], args[3]
local lined_up, over = 0, 0
failed_for, failed_most = failed_ttl, max_failed

for _, id in ipairs(call('ZRANGE', task.SCHEDULED, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'call')
  if record.err and not string.find(record.err, '^WRONGTYPE') then return record end -- no right to read it
  call('ZREM', task.SCHEDULED, id)
  local lane = not record.err and record[1] and not record[2] and record[3] and string.match(record[1], '^scheduled/(%a+)$')
  if lane then
    call('HDEL', TASK .. id, 'call')
    task.line_up(id, lane, record[3])
    lined_up = lined_up + 1
  end
end
for _, id in ipairs(call('ZRANGE', task.EXPIRING, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
  call('ZREM', task.EXPIRING, id)
  if task.expire(id, failed_ttl, max_failed) then over = over + 1 end
end
if call('EXISTS', P .. ':releasing') == 1 then
  task.dependents().resume()
  task.tell_nearest()
end
if call('EXISTS', P .. ':resting', P .. ':ring') > 0 then task.lines().wake(most) end
publish_all()
task.tell_news()
-- What turns are told of the lanes, as it is. Where it was deleted by hand, it is said again.
local are_there = { void = false, lanes = false }
for _, lane in ipairs(LANES) do
  local void, length = P .. ':void:' .. lane, pcall('XLEN', STREAM .. lane)
  -- Entries that nobody will ever read: their stream was deleted by hand.
  if length == 0 then call('DEL', void) end
  are_there.void = are_there.void or call('EXISTS', void) == 1
  are_there.lanes = are_there.lanes or (lane ~= 'normal' and length ~= 0)
end
for name, is_there in pairs(are_there) do
  if is_there then call('HSET', P .. ':settings', name, '1') else call('HDEL', P .. ':settings', name) end
end

local time = call('EXISTS', P .. ':releasing') == 1 and tonumber(now) or task.next_time()
return { time == math.huge and -1 or math.max(time - now, 0), now, lined_up, over }
