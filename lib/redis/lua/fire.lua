#!lua
-- fire: slots of a schedule become tasks, and the schedule moves on to its next one. Every worker tries it when a slot
-- is due; one succeeds. May run twice: the second finds that the schedule has moved on.
--   args: { name, since, slot, next | '', its due time | '', slot, slot, … } those that become tasks, `<name>:<slot>`
--         | { name, 'now', id } one task, apart from all slots
--   keys: P:schedule:<name> hash, P:slots sorted set, and those of enqueue, which makes the tasks
--   each: the task before has not ended, and they shall not overlap → passed over, and so are all but the first of several
--   gives: done | past: the schedule is at another slot, was defined anew, or is paused | none: there is none
--! include base
--! include slots

-- As a caller's batch: wishes of a call mean the same here as there.
local function enqueue(args)
--! body enqueue
end

local function is_open(id)
--! include place
--! include standing
  local record = pcall('HMGET', TASK .. id, 'entry', 'end')
  return not record.err and not record[2] and standing(record[1], record[2]) ~= 'none'
end

local name, is_now = args[1], args[2] == 'now'
local key = P .. ':schedule:' .. name
local found = call('HMGET', key, 'since', 'slot', 'paused', 'overlap', 'lane', 'how', 'call', 'last')
local since, slot, paused, overlap, lane, how, packed_call, last = unpack(found, 1, 8)
if not packed_call then return 'none' end
if not is_now and (since ~= args[2] or slot ~= args[3] or paused) then return 'past' end

local wishes, is_lane = cmsgpack.unpack(how), false
for _, one in ipairs(LANES) do is_lane = is_lane or one == lane end
table.insert(wishes, 1, is_lane and lane or error('a schedule with a lane that there is not'))
local how_of_each = #wishes == 1 and lane or wishes
local ids = {}
for i = is_now and 3 or 6, #args do ids[#ids + 1] = is_now and args[i] or name .. ':' .. args[i] end
local as_batch = { '1', '', '' } -- resent: ids that are known are nothing new
if not is_now and overlap == 'skip' then ids = { not (last and is_open(last)) and ids[1] or nil } end
for _, id in ipairs(ids) do
  as_batch[#as_batch + 1] = how_of_each
  as_batch[#as_batch + 1] = id
  as_batch[#as_batch + 1] = packed_call
end
if ids[1] then
  local notes = enqueue(as_batch)
  last = ids[#ids]
  -- The key that it asks for may be held: then another task stands for it.
  local note = type(notes) == 'table' and notes[#notes - 1] == #ids and string.match(notes[#notes], '^(%S+) %a+$')
  if note and note ~= '-' then last = note end
  call('HSET', key, 'last', last, 'ran', now)
end
if is_now then return 'done' end
if args[4] == '' then call('HDEL', key, 'slot') else call('HSET', key, 'slot', args[4]) end
call('ZADD', SLOTS, args[5] == '' and '+inf' or args[5], name)
return 'done'
