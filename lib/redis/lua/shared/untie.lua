-- What the end of a task sets off besides its replies. name: of the key that it holds · tied: more depends on it.
-- Chunks that nobody has read go with the record; of a failure, which is kept for long, they are too much to keep as long.
local CHUNKS_TTL = 3600000 -- ms
local function untie(how, id, value, name, tied)
  if name then release_key(how, id, name) end
  if not tied then return end
  leave_line(id)
  local latest = how.state == 'succeeded' and math.huge or now + CHUNKS_TTL
  call('PEXPIREAT', P .. ':chunks:' .. id, string.format('%.0f', math.min(how.expiry, latest)))
  dependents().untie(how, id, value)
end
