-- Of a batch that is accepted as a whole or not at all: notes of all that stands against it. True: something does.
local MOST_NOTES = 1000 -- Lua answers with a few thousand values at once
local function refuse_all()
  local room, made_here, keys, brought = cap, {}, {}, {}

  -- The task that the call joins where all that calls of this batch bring to hear of it is too much.
  local function crowded(id, name, o)
    local holder, _, is_live = holder_of(name)
    local joined = (is_live and joined_by(holder, o)) or keys[name] or id
    local all = brought[joined] or {}
    for _, hearer in ipairs(o.hears) do all[#all + 1] = hearer end
    brought[joined] = all
    return not new_hearers(joined, all) and joined
  end

  for i = 4, #args, 3 do
    if #notes > MOST_NOTES then break end
    local id, o = args[i + 1], type(args[i]) == 'table' and wishes(args[i]) or {}
    local name = o.key and not o.to and P .. ':key:' .. o.key
    local is_new = call('EXISTS', TASK .. id) == 0 and not (resent and name and call('EXISTS', P .. ':joined:' .. id) == 1)
    local unknown, crowd
    for parent in string.gmatch(o.elsewhere or '', '(%S+) %S+') do made_here[parent] = true end
    if is_new and o.after then unknown = select(2, task.parents().find(o.after, made_here)) end
    if is_new and name and o.hears then crowd = crowded(id, name, o) end
    if unknown then
      note((i - 1) / 3, 'orphan ' .. unknown)
    elseif crowd then
      note((i - 1) / 3, 'crowded ' .. crowd)
    elseif is_new and room and not (name and (keys[name] or holder_of(name))) then
      if room <= 0 then note((i - 1) / 3, 'full') end
      room = room - 1
    end
    made_here[id] = true
    if name then keys[name] = keys[name] or id end
  end
  return #notes > 0
end
