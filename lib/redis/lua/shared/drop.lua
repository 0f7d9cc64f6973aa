-- Entries that this script is done with: acknowledged and deleted together, some calls per lane, by drop_all().
local dropped = {}
local STUCK, FEW = 50, 8 -- ms that the oldest pending entry may hold up the trimming; entries that it is not worth for
local LONG, MANY = 64, 32 -- of a lane that is longer, few wait until so many can be trimmed together

local function drop(lane, entry)
  local ids = dropped[lane]
  if ids then ids[#ids + 1] = entry else dropped[lane] = { entry } end
end

-- One XTRIM for many entries costs less than an XDEL for each. What lies above an older entry that still runs stays
-- until that one ends, and P:untidy says so; if it runs for long, its followers are deleted one by one.
-- The bound is never taken from the entries at hand: one too high removes what is unread or pending. And an exact one
-- is an entry that is there: beside deleted ones an exact trim can leave a node without any, which Redis does not
-- load again (redis issue 15808). Whole nodes may always go.
local function trim(lane, stream, ids)
  local pending = pcall('XPENDING', stream, GROUP, '-', '+', '1')
  if pending.err then return call('XDEL', stream, unpack(ids)) end -- no group any more
  local oldest = pending[1]
  if oldest then
    call('XTRIM', stream, 'MINID', '~', oldest[1])
    if oldest[3] > STUCK then call('XDEL', stream, unpack(ids)) end
    -- Beside what is held up few do not wait for others: the last that ends must take all along.
    return call('HSET', P .. ':untidy', lane, MANY)
  end
  local delivered
  for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
    if group[2] == GROUP then delivered = group[8] end
  end
  local unread = call('XRANGE', stream, '(' .. delivered, '+', 'COUNT', 1)[1]
  if unread then
    call('XTRIM', stream, 'MINID', '=', unread[1])
  else
    call('XTRIM', stream, 'MAXLEN', '=', '0')
  end
  call('HDEL', P .. ':untidy', lane)
end

-- To find an entry, XDEL walks through its node, past all that was deleted before: in a long lane, whose nodes are full,
-- that is a seventh of a turn of one outcome.
local function drop_all()
  for lane, ids in pairs(dropped) do
    local stream, few = STREAM .. lane, #ids <= FEW
    call('XACK', stream, GROUP, unpack(ids))
    if few and call('XLEN', stream) > LONG then
      if call('HINCRBY', P .. ':untidy', lane, #ids == 1 and '1' or #ids) >= MANY then trim(lane, stream, ids) end
    elseif few and not call('HGET', P .. ':untidy', lane) then
      call('XDEL', stream, unpack(ids))
    else
      trim(lane, stream, ids)
    end
  end
end

-- Whether an entry shall not be run, by its task's record { entry, end, … }: without one it is quarantined; if the
-- task has another place, or has ended, it is dropped, and so is a void one whose record has gone meanwhile.
local function refused(record, lane, entry, sample)
  if record[1] == place_of(lane, entry) and not record[2] then return false end
  -- Not read for lack of a right, and not because of what it is: that is no reason to drop anything.
  if record.err and not string.find(record.err, '^WRONGTYPE') then error(record) end
--! include quarantine
  local was_void = call('SREM', P .. ':void:' .. lane, entry) == 1
  if not was_void and (record.err or not record[1]) then
    quarantine(lane, entry, record.err and 'record of another type' or 'no record', sample)
  else
    drop(lane, entry)
  end
  return true
end
