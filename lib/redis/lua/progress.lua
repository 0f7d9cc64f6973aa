#!lua flags=allow-oom
-- progress: the newest progress of running tasks, to the record and to the clients that asked for it.
--   args: { id, lane, entry, value, version, … }   version: grows with each newer value of the task, so that
--         readers, who hear of it by two ways, never go back
--   keys: P:task:<id>, P:reply:<client> (published)
--   gives: a letter each: d done | f fenced: the caller does not hold the task any more | h done, but there are calls that
--          hear of it, which the script `hear` makes
--! include base
--! include replies

local answers = {}
for i = 1, #args, 5 do
  local id, place, value, version = args[i], place_of(args[i + 1], args[i + 2]), args[i + 3], args[i + 4]
  local record = pcall('HMGET', TASK .. id, 'entry', 'end', 'clients', 'hears')
  if record.err or record[1] ~= place or record[2] then
    answers[#answers + 1] = 'f'
  else
    call('HSET', TASK .. id, 'progress', value, 'version', version)
    for client in string.gmatch(record[3] or '', '%S+') do reply(client, id, 'progress:' .. version, value) end
    answers[#answers + 1] = record[4] and 'h' or 'd'
  end
end
publish_all()
return table.concat(answers)
