#!lua flags=allow-oom
-- progress: the newest progress of running tasks, to the record and to the clients that asked for it.
--   args: { worker, id, lane, entry, value, version, … }   version: grows with each newer value of the task, so that
--         readers, who hear of it by two ways, never go back
--   keys: P:task:<id>, P:reply:<client> (published)
--   gives: a letter each: d done | f fenced: the caller does not hold the task any more
--! include base
--! include settle

local worker, answers = args[1], {}
for i = 2, #args, 5 do
  local id, token, value, version = args[i], args[i + 1] .. '/' .. args[i + 2], args[i + 3], args[i + 4]
  local record = pcall('HMGET', task_of(id), 'entry', 'state', 'worker', 'clients')
  if record.err or record[1] ~= token or TERMINAL[record[2]] or (record[3] and record[3] ~= worker) then
    answers[#answers + 1] = 'f'
  else
    call('HSET', task_of(id), 'progress', value, 'version', version)
    for client in string.gmatch(record[4] or '', '%S+') do reply(client, id, 'progress', value, version) end
    answers[#answers + 1] = 'd'
  end
end
publish_all()
return table.concat(answers)
