#!lua
-- hear: progress of tasks of which others hear: recorded as the script `progress` does it, and in the same step the calls
-- are made that hear of it. Not at maxmemory: who sends it falls back on `progress` then, which makes none.
--   args: { id, lane, entry, value, version, … }   as of progress
--   keys: as of progress, and those of enqueue, which makes the tasks: `<id>.<number of the call>.<how often it was made>`
--   each: of each call that hears of it: what was made of it last and has not begun gets the newer value; while that
--         runs, another is made that waits for its end, however it ends; else another is made. So two of them live at
--         most. A version that is not above the last one sets off nothing: this may run twice
--   gives: a letter each: d done | f fenced: the caller does not hold the task any more
--! include base
--! include replies

-- As a caller's batch: wishes of a call mean the same here as there.
local function enqueue(args)
--! body enqueue
end

--! include place
--! include standing

-- All together at the end: what enqueue makes for calls with wishes is made once.
local batch = { '0', '', '' }

local function state_of(id)
  local record = pcall('HMGET', TASK .. id, 'entry', 'end')
  return not record.err and not record[2] and standing(record[1]) or 'none'
end

-- { lane | how, call, '1' | '' }, as shared/hearers.lua keeps it; nil for anything else: one record must not spoil the
-- reports of others.
local function read_hearer(packed)
  local is_packed, hearer = _G.pcall(cmsgpack.unpack, packed or '')
  if not is_packed or type(hearer) ~= 'table' or type(hearer[2]) ~= 'string' then return nil end
  local first = type(hearer[1]) == 'table' and hearer[1][1] or hearer[1]
  for _, lane in ipairs(LANES) do
    if lane == first then return hearer end
  end
end

local function let_hear(id, number, value)
  local key, name = TASK .. id, id .. '.' .. number .. '.'
  local found = call('HMGET', key, 'hear:' .. number, 'told:' .. number)
  local hearer = read_hearer(found[1])
  if not hearer then return end
  local how, packed_call, takes = unpack(hearer)
  local told, wishes = tonumber(found[2]) or 0, type(how) == 'table' and how or { how }
  local last = name .. told
  local state = told > 0 and state_of(last) or 'none'
  if state ~= 'none' and state ~= 'running' then
    if takes == '1' then call('HSET', TASK .. last, 'in:0', 's' .. value) end
    return
  end
  local function wish(what, of)
    wishes[#wishes + 1] = what
    wishes[#wishes + 1] = of
  end
  if takes == '1' then wish('given', { 's' .. value }) end
  if state == 'running' then
    wish('after', last)
    wish('policy', 'b')
  end
  call('HSET', key, 'told:' .. number, tostring(told + 1))
  batch[#batch + 1] = wishes[2] and wishes or wishes[1]
  batch[#batch + 1] = name .. (told + 1)
  batch[#batch + 1] = packed_call
end

local answers, MOST = {}, 100 -- as shared/hearers.lua has it
for i = 1, #args, 5 do
  local id, place, value, version = args[i], place_of(args[i + 1], args[i + 2]), args[i + 3], args[i + 4]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'clients', 'hears', 'heard')
  if record.err or record[1] ~= place or record[2] then
    answers[#answers + 1] = 'f'
  else
    call('HSET', TASK .. id, 'progress', value, 'version', version)
    for client in string.gmatch(record[3] or '', '%S+') do reply(client, id, 'progress:' .. version, value) end
    if record[4] and tonumber(version) > (tonumber(record[5]) or 0) then
      call('HSET', TASK .. id, 'heard', version)
      for number = 0, math.min(tonumber(record[4]) or 0, MOST) - 1 do let_hear(id, number, value) end
    end
    answers[#answers + 1] = 'd'
  end
end
if batch[4] then enqueue(batch) end
publish_all()
return table.concat(answers)
