-- The end of a task: outcome, retention and replies, written once. Replies leave by publish_all().

local AN_HOUR = 3600000 -- that cancelled and expired tasks are kept, at most: nobody bounds their number

-- What tasks that end alike have in common; the field `end` of each is "<letter> <attempt> <ms that it ran> <finished> <worker>".
function ending(state, attempt, worker, ttl, max_failed)
  if state == 'cancelled' or state == 'expired' then ttl = math.min(ttl, AN_HOUR) end
  return {
    state = state,
    field = state == 'succeeded' and 'result' or 'error',
    head = string.sub(state, 1, 1) .. ' ' .. attempt .. ' ',
    tail = ' ' .. now .. ' ' .. worker,
    expiry = string.format('%.0f', now + ttl), -- PEXPIRE would be rewritten to PEXPIREAT, for 0.4 µs
    max_failed = state == 'failed' and tonumber(max_failed),
  }
end

-- key: of its record · value '': undefined, which needs no field · kept: what the record keeps of the call · client '' =
-- nobody asked at the call · clients: those who asked later · name: the key that the task holds · tied: its record says
-- that more depends on it
-- is_plain: it held a place and nothing else, so no time of it is listed
function settle(how, id, key, ran, value, kept, client, clients, name, tied, is_plain)
  -- Of short tasks most ran as long as the one before.
  if how.ran_before ~= ran then how.ran_before, how.text = ran, how.head .. ran .. how.tail end
  if value == '' then
    call('HSET', key, 'end', how.text, 'call', kept)
  else
    call('HSET', key, 'end', how.text, 'call', kept, how.field, value)
  end
  call('PEXPIREAT', key, how.expiry)
  if how.max_failed then rare().keep_failed(id, how.max_failed) end
  ended[how.state] = (ended[how.state] or 0) + 1
  if not is_plain then ended_ids[#ended_ids + 1] = id end
  if name or tied then rare().untie(how, id, value, name, tied) end
  if client ~= '' then reply(client, id, how.state, value) end
  if clients then
    call('HDEL', key, 'clients')
    for other in string.gmatch(clients, '%S+') do
      if other ~= client then reply(other, id, how.state, value) end
    end
  end
end
