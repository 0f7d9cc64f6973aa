#!lua
-- schedule: defines a schedule, or changes it. May run twice: the second answers `same`.
--   args: { name, when, missed, overlap, lane, how, call, since, slot | '', due | '', most }
--         when: its times as text, which no script reads; missed, overlap: words; how: what enqueue is told besides the
--         lane { name, value, … }; call: with its head; since: when this is, epoch ms; slot, due: the next one, by these times
--         most: schedules that there may be
--   keys: P:schedule:<name> hash, P:slots sorted set, P:control (published)
--   each: other times, or new → its next slot is the given one; else the slot stays. A paused one stays so
--   gives: new | changed | same | full: there are as many as may be
--! include base
--! include slots

local name, slot, due = args[1], args[9], args[10]
local key = P .. ':schedule:' .. name
local given = {
  when = args[2], missed = args[3], overlap = args[4], lane = args[5], how = cmsgpack.pack(args[6]), call = args[7],
}
local old = call('HMGET', key, 'when', 'missed', 'overlap', 'lane', 'how', 'call', 'paused')
local is_new, is_same_time = not old[1], old[1] == given.when

if is_new and call('ZCARD', SLOTS) >= tonumber(args[11]) then return 'full' end
if is_same_time and old[2] == given.missed and old[3] == given.overlap and old[4] == given.lane and old[5] == given.how
  and old[6] == given.call then return 'same' end

for field, value in pairs(given) do call('HSET', key, field, value) end
if not is_same_time then
  call('HSET', key, 'since', args[8])
  if slot == '' then call('HDEL', key, 'slot') else call('HSET', key, 'slot', slot) end
  at_slot(name, old[7] and '' or due)
end
return is_new and 'new' or 'changed'
