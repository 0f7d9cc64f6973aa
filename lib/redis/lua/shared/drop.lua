-- Entries that this script is done with: acknowledged and deleted together, one call per lane, by drop_all().
local dropped, MAX_QUARANTINE, MAX_SAMPLE = {}, 100, 256

local function drop(lane, entry)
  local ids = dropped[lane]
  if ids then ids[#ids + 1] = entry else dropped[lane] = { entry } end
end

local function drop_all()
  for lane, ids in pairs(dropped) do
    call('XACK', stream_of(lane), GROUP, unpack(ids))
    call('XDEL', stream_of(lane), unpack(ids))
  end
end

-- An entry that nobody can run: a sample is kept for people, and the entry leaves the stream. One that is not pending
-- any more was quarantined before, by the first run of this script.
local function quarantine(lane, entry, reason, sample)
  if call('XACK', stream_of(lane), GROUP, entry) == 0 then return end
  local packed = cmsgpack.pack({ now, lane .. '/' .. entry, reason, string.sub(sample or '', 1, MAX_SAMPLE) })
  call('LPUSH', P .. ':quarantine', packed)
  call('LTRIM', P .. ':quarantine', 0, MAX_QUARANTINE - 1)
  drop(lane, entry)
end
