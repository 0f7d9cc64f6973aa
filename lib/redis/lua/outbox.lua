#!lua flags=allow-oom
-- outbox: letters for other queues that are due; whoever gets them has `lease` ms to bring them, then others try. Those
-- that have become pointless are dropped. May run twice: the second gets the next ones.
--   args: { most, lease }
--   keys: P:outbox, P:task:<id>
--   gives, packed: { ms until the next is due (-1: there is none), { letter, kind, queue, id, rest, ms since its task was called, more … }, … }
--         more: of a call { lane, wishes (packed: name, value, …), call, how many outcomes of parents it takes, '1' where its end is wanted here | '' }
--! include base
--! include place
--! include away

local MOST_BYTES = 8388608 -- of one answer, but for the first
local most, lease = tonumber(args[1]), tonumber(args[2])
local answer, bytes = { '-1' }, 0

-- When the call of a task is tried again, if it has not arrived.
local function call_due(queue, id, trip) return call('ZSCORE', OUTBOX, 'call ' .. queue .. ' ' .. id .. ' ' .. trip) end

-- Nil: nobody wants it any more; or when it is tried. rest of a call and a watch: the trip.
local function open_letter(letter, kind, queue, id, rest)
  if kind == 'cancel' then
    -- Somebody is on his way with the call: the task would be made behind it.
    local trip = pcall('HGET', TASK .. id, 'trip')
    local due = type(trip) == 'string' and call_due(queue, id, trip)
    if due and tonumber(due) > tonumber(now) then return tonumber(due) + 1 end
  end
  if kind == 'cancel' or kind == 'end' then return { letter, kind, queue, id, rest, '0' } end
  if kind ~= 'call' and kind ~= 'watch' then return nil end
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'trip', 'created', 'there', 'call', 'inputs', 'to', 'back')
  local lane = not record.err and record[1] and not record[2] and string.match(record[1], '^away/(%a+)$')
  if not lane or (record[3] or '0') ~= rest or record[8] ~= queue then return nil end
  local item = { letter, kind, queue, id, rest, string.format('%.0f', math.max(0, now - (record[4] or now))) }
  if kind == 'call' then
    item[7], item[8], item[9] = lane, record[5] or '\144', record[6] or ''
    item[10], item[11] = record[7] or '0', record[9] or ''
  elseif call_due(queue, id, rest) then
    return nil -- it is not there yet
  end
  return item
end

for _, letter in ipairs(call('ZRANGE', OUTBOX, '-inf', now, 'BYSCORE', 'LIMIT', 0, most)) do
  local kind, queue, id, rest = string.match(letter, '^(%a+) (%S+) (%S+) (.*)$')
  local item = kind and open_letter(letter, kind, queue, id, rest)
  bytes = bytes + #letter + (type(item) == 'table' and item[9] and #item[9] or 0)
  if bytes > MOST_BYTES and #answer > 1 then break end
  if type(item) == 'number' then
    call('ZADD', OUTBOX, string.format('%.0f', item), letter)
  elseif item then
    call('ZADD', OUTBOX, string.format('%.0f', now + lease), letter)
    answer[#answer + 1] = item
  else
    call('ZREM', OUTBOX, letter)
  end
end

local next_due = call('ZRANGE', OUTBOX, 0, 0, 'WITHSCORES')[2]
if next_due then answer[1] = string.format('%.0f', math.max(0, next_due - now)) end
return cmsgpack.pack(answer)
