#!lua flags=allow-oom
-- reread: gives a worker once more what lies in its pending list. What has ended meanwhile is not there any more. May
-- run twice.
--   args: { worker, max_call, max_failed, failed_ttl, lane, entry, lane, entry, … }
--   keys: P:stream:<lane>, P:task:<id>, P:quarantine, P:failed, P:deps:<id>, P:releasing, P:flow:<flow>, P:reply:<client> (published)
--   gives, packed: { lane, { entry, id, call, attempt | '' }, … }, as turn does; nothing of what is not pending here
--! include base
--! include drop
--! include replies
--! include rare
--! include settle
--! include take
local door = { worker = args[1], max_call = tonumber(args[2]), max_failed = args[3], failed_ttl = args[4], in_doubt = true }
failed_for, failed_most = args[4], args[3]
local answer = {}
for i = 5, #args, 2 do
  local lane, entry = args[i], args[i + 1]
  local held = pcall('XPENDING', STREAM .. lane, GROUP, entry, entry, 1, door.worker)[1] -- no group: nobody holds it
  if held then
    local found = call('XRANGE', STREAM .. lane, entry, entry)
    if found[1] then
      take(door, lane, found, answer)
    else
      drop(lane, entry) -- deleted by hand
    end
  end
end
drop_all()
publish_all()
if made then made.tell_nearest() end
return cmsgpack.pack(answer)
