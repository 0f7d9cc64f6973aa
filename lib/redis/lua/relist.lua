#!lua flags=allow-oom
-- relist: a sorted set names what is there, and nothing else. Decides and writes in one step; may run twice: then there is
-- nothing left to do.
--   args: { waiting | slots, name, … }
--   keys: P:waiting and P:task:<id>, or P:slots, P:schedule:<name> and P:control (published)
--   each: named in vain → no more; not named, and it is there → named: one that waits by its creation, a schedule by its slot
--   gives: how many were named, or are no more
--! include base
--! include slots
--! include listed

local list, done = args[1], 0
local key = P .. ':' .. list
for i = 2, #args do
  local score, is_named = score_in(list, args[i]), call('ZSCORE', key, args[i])
  if score and not is_named then
    if list == 'slots' then at_slot(args[i], score == '+inf' and '' or score) else call('ZADD', key, score, args[i]) end
    done = done + 1
  elseif is_named and not score then
    call('ZREM', key, args[i])
    done = done + 1
  end
end
return done
