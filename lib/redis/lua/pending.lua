#!lua flags=no-writes
-- pending: what Redis thinks that a worker holds, and which running tasks shall be aborted.
--   args: { worker, most }
--   keys: the group of P:stream:<lane>, P:workers, P:cancelling
--   gives: { lane, entry, …, 'cancel', place, … }, at most `most` of each lane; 'dead' for a worker not registered
--! include base
--! include owner

if not is_registered(args[1]) then return 'dead' end
local held = {}
for _, lane in ipairs(LANES) do
  for _, item in ipairs(call('XPENDING', STREAM .. lane, GROUP, '-', '+', args[2], args[1])) do
    held[#held + 1] = lane
    held[#held + 1] = item[1]
  end
end
for _, place in ipairs(call('ZRANGE', P .. ':cancelling', -1000, -1)) do
  held[#held + 1] = 'cancel'
  held[#held + 1] = place
end
return held
