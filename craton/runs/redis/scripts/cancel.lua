-- Ask for the end of a run.
-- ARGV: how many events are kept, how many seconds ended runs are, the event, the event of the end
-- of a run that nobody claimed, the state, time and message of that end.

local head = redis.call('HMGET', RUN, 'state', 'finished_at', 'cancelling', 'last_event')
if not head[1] then
  return 'missing'
elseif head[2] or head[3] == '1' then
  return 'asked'
end
local number = head[4] + 1
redis.call('HSET', RUN, 'cancelling', '1')
add_event(number, ARGV[3])
if head[1] == 'queued' then
  number = number + 1
  add_event(number, ARGV[4])
end
redis.call('HSET', RUN, 'last_event', number)
redis.call('XTRIM', EVENTS, 'MAXLEN', ARGV[1])
if head[1] == 'queued' then
  finish(ARGV[5], ARGV[6], ARGV[7], ARGV[2])
end
return 'asked'
