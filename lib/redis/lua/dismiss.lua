#!lua flags=allow-oom
-- dismiss: consumers that no worker is registered for leave the group, unless they hold something: DELCONSUMER would
-- destroy it. May run twice.
--   args: { }
--   keys: the group of P:stream:<lane>, P:workers
--   each: not registered, nothing pending in any lane → its consumers go
--   gives: their names
--! include base

local held, names = {}, {}
for _, lane in ipairs(LANES) do
  local consumers = pcall('XINFO', 'CONSUMERS', STREAM .. lane, GROUP)
  for _, consumer in ipairs(consumers.err and {} or consumers) do
    local name = consumer[2]
    if not held[name] and not call('ZSCORE', P .. ':workers', name) then names[#names + 1] = name end
    held[name] = (held[name] or 0) + consumer[4]
  end
end
local dismissed = {}
for _, name in ipairs(names) do
  if held[name] == 0 then
    for _, lane in ipairs(LANES) do pcall('XGROUP', 'DELCONSUMER', STREAM .. lane, GROUP, name) end
    dismissed[#dismissed + 1] = name
  end
end
return dismissed
