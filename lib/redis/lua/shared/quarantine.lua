local MAX_QUARANTINE, MAX_SAMPLE = 100, 256

-- An entry that nobody can run: a sample is kept for people, and the entry leaves the stream. One that is not pending
-- any more was quarantined before, by the first run of this script.
local function quarantine(lane, entry, reason, sample)
  if call('XACK', STREAM .. lane, GROUP, entry) == 0 then return end
  local packed = cmsgpack.pack({ now, lane .. '/' .. entry, reason, string.sub(sample or '', 1, MAX_SAMPLE) })
  call('LPUSH', P .. ':quarantine', packed)
  call('LTRIM', P .. ':quarantine', 0, MAX_QUARANTINE - 1)
  drop(lane, entry)
end
