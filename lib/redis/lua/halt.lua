#!lua flags=allow-oom
-- halt: a schedule pauses, or goes on with the slot that is given: those in between are passed over. May run twice.
--   args: { name, '1' } to pause | { name, '0', since, slot | '', due | '' } to go on
--         since: of the definition that the slot was computed from
--   keys: P:schedule:<name> hash, P:slots sorted set, P:control (published)
--   gives: done | past: it was defined anew meanwhile | none: there is none
--! include base
--! include slots

local name, slot = args[1], args[4]
local key = P .. ':schedule:' .. name
local found = call('HMGET', key, 'when', 'since', 'paused')
if not found[1] then return 'none' end
if args[2] == '1' then
  call('HSET', key, 'paused', '1')
  at_slot(name, '')
  return 'done'
end
if not found[3] then return 'done' end
if found[2] ~= args[3] then return 'past' end
call('HDEL', key, 'paused')
if slot == '' then call('HDEL', key, 'slot') else call('HSET', key, 'slot', slot) end
at_slot(name, args[5])
return 'done'
