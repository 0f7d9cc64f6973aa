-- What few runs need. A function costs every run of a script 0.1 µs, so these are made when the first is asked for.
-- Those that end a task are for scripts that include drop, replies and settle.
local made, ending, settle
-- Of tasks that end because another did: retention, ms, and how many failures are kept. Set by scripts of workers, which
-- know them.
local failed_for, failed_most
local function rare()
  if made then return made end
--! include place
--! include schedule
--! include away
--! include line
--! include requeue
--! include ends
--! include errors
--! include retry
--! include park
--! include put_off
--! include standing
--! include move
--! include cancel
--! include expire
--! include late
--! include front
--! include lines
--! include dependents
--! include parents
--! include untie
  made = {
    SCHEDULED = SCHEDULED, EXPIRING = EXPIRING, STATES = STATES,
    parse_place = parse_place, tell = tell, tell_news = tell_news, at_time = at_time, next_time = next_time, tell_nearest = tell_nearest,
    line_up = line_up, enter = enter, leave_line = leave_line, lines = lines, put_by = put_by, time_over = time_over,
    requeue = requeue, standing = standing, move = move, late = late,
    keep_failed = keep_failed, asker = asker, untie = untie, settle_as_error = settle_as_error,
    settle_cancelled = settle_cancelled, keep_error = keep_error, put_off = put_off,
    go_away = go_away, ask_after = ask_after, divide = divide, with_sent = with_sent, post = post,
    cancel = cancel, expire = expire, dependents = dependents, parents = parents, put_front = put_front, take_front = take_front,
  }
  return made
end
