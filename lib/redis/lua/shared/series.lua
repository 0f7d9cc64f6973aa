-- What a record says of the chunks that its task yields. `chunks`: "<place> <attempt> <last> <taken> <bytes> <wanted>": of the
-- attempt that yields them, the number of its last one, of the last that a reader has taken, what those in the buffer
-- weigh, and below how many of them the worker wants to be told (0: it does not wait for room).
-- `reader`: "<client>.<n> <seen, epoch ms>", or "left".
local READER_TTL = 30000 -- ms without a word after which a reader counts as gone

local function read_series(packed)
  local place, attempt, last, taken, bytes, wanted = string.match(packed or '', '^(%S+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  return {
    place = place or '', attempt = attempt or '0', last = tonumber(last) or 0, taken = tonumber(taken) or 0,
    bytes = tonumber(bytes) or 0, wanted = tonumber(wanted) or 0,
  }
end

local function pack_series(s)
  return table.concat({ s.place, s.attempt, s.last, s.taken, s.bytes, s.wanted }, ' ')
end

-- state: reads | unread: nobody has come yet, or not spoken for long | left
local function read_reader(field)
  local name, seen = string.match(field or '', '^(%S+) (%d+)$')
  if not name then return { state = field == 'left' and 'left' or 'unread' } end
  local is_here = now - seen < READER_TTL
  return { state = is_here and 'reads' or 'unread', name = name, client = string.match(name, '^([%w_-]+)%.%d+$') }
end
