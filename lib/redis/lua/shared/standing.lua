-- The state of a task by its record's fields `entry` and `end`; 'none' without a record, or where its entry is gone.
local OUT_OF_LINE = { scheduled = 'scheduled', waiting = 'waiting', parked = 'parked', front = 'queued', line = 'queued', away = 'queued' }
local STATES = { s = 'succeeded', f = 'failed', c = 'cancelled', e = 'expired' }
local function standing(place, ending_field)
  if not place then return 'none' end
  if ending_field then return STATES[string.sub(ending_field, 1, 1)] end
  local lane, entry = parse_place(place)
  if not lane then return OUT_OF_LINE[string.match(place, '^(%a+)/%a+$') or ''] or 'none' end
  local pending = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1)
  if #pending > 0 then return 'running' end
  return #call('XRANGE', STREAM .. lane, entry, entry) > 0 and 'queued' or 'none'
end
