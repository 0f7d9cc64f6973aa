#!lua flags=allow-oom
-- ask: somebody wants to know what a worker is doing now. The question stands in its registration, where its heartbeat
-- finds it (beat.lua) should its main thread not hear the word on P:control. May run twice.
--   args: { worker, question, ms until nobody waits for the answer }
--   keys: P:workers, P:worker:<id> hash (fields `question`: the newest, and `until` when it stands)
--   gives: asked; 'none': no such worker
--! include base
--! include owner

local worker, question = args[1], args[2]
local details = P .. ':worker:' .. worker
if not is_registered(worker) or call('EXISTS', details) == 0 then return 'none' end
call('HSET', details, 'question', question, 'until', string.format('%.0f', now + args[3]))
call('PUBLISH', P .. ':control', 'question ' .. worker .. ' ' .. question)
return 'asked'
