#!lua flags=no-writes
-- schedules: which there are: those that are due, for workers; all or one, for people.
--   args: { 'due' | 'all', from, most } | { 'one', name }
--         from: how many of the first are left out
--   keys: P:slots sorted set, P:schedule:<name> hash
--   gives, packed: { the time, ms until the next that is not due yet (-1: none), name, due | 'inf', { field, value, … }, name, … }
--! include base

local SLOTS, which = P .. ':slots', args[1]
local FIELDS = { 'when', 'missed', 'overlap', 'since', 'slot', 'paused', 'lane', 'call', 'last', 'ran' }
local found
if which == 'one' then
  local due = call('ZSCORE', SLOTS, args[2])
  found = due and { args[2], due } or {}
elseif which == 'due' then
  found = call('ZRANGE', SLOTS, '-inf', now, 'BYSCORE', 'LIMIT', args[2], args[3], 'WITHSCORES')
else
  found = call('ZRANGE', SLOTS, args[2], args[2] + args[3] - 1, 'WITHSCORES')
end

local later = call('ZRANGE', SLOTS, '(' .. now, '(+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2]
local answer = { now, string.format('%.0f', later and later - now or -1) }
for i = 1, #found, 2 do
  local values, fields = pcall('HMGET', P .. ':schedule:' .. found[i], unpack(FIELDS)), {}
  -- Of a key of another type nothing can be read; without the right to read, nobody may go on.
  if values.err and not string.find(values.err, '^WRONGTYPE') then return values end
  for n, field in ipairs(FIELDS) do
    if values[n] then
      fields[#fields + 1] = field
      fields[#fields + 1] = values[n]
    end
  end
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = found[i + 1]
  answer[#answer + 1] = fields
end
return cmsgpack.pack(answer)
