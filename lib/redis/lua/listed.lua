#!lua flags=no-writes
-- listed: what a sorted set names in vain, some of its members at a time.
--   args: { waiting | slots, from, most }     from: how many of the first are left out
--   keys: P:waiting and P:task:<id>, or P:slots and P:schedule:<name>
--   each: waiting: no record that waits; slots: no such schedule → is named in vain
--   gives: { looked at, name, … }
--! include base
--! include listed

local list = args[1]
local found = call('ZRANGE', P .. ':' .. list, args[2], args[2] + args[3] - 1)
local answer = { #found }
for _, name in ipairs(found) do
  if not score_in(list, name) then answer[#answer + 1] = name end
end
return answer
