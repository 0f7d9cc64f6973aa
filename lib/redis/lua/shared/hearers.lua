-- Calls that hear of a task's progress, in its record: `hears` says how many, `hear:<number>` each of them packed, as it was
-- sent: { lane | how, call, '1': the value goes ahead of its arguments | '' }. The script `hear` makes them.
-- Each is there once, so callers that join a task with one and the same do not add up; others up to a number.
local MOST_HEARERS = 100

-- Those that the record lacks, and how many it has; nil: with them there would be too many.
local function new_hearers(id, hearers)
  local count, seen, new = tonumber(call('HGET', TASK .. id, 'hears') or 0), {}, {}
  for number = 0, count - 1 do seen[call('HGET', TASK .. id, 'hear:' .. number)] = true end
  for _, hearer in ipairs(hearers) do
    local packed = cmsgpack.pack(hearer)
    if not seen[packed] then new[#new + 1] = packed end
    seen[packed] = true
  end
  if count + #new > MOST_HEARERS then return nil end
  return new, count
end

-- False: there would be too many.
local function let_hear_of(id, hearers)
  local new, count = new_hearers(id, hearers)
  if not new then return false end
  for i, packed in ipairs(new) do call('HSET', TASK .. id, 'hear:' .. (count + i - 1), packed) end
  if new[1] then call('HSET', TASK .. id, 'hears', tostring(count + #new), 'tied', '1') end
  return true
end
