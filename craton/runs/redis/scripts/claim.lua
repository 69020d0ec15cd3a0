-- Take up a run.
-- ARGV: a token of this call, the time, how many events are kept, the event of a start, the event
-- of a later claim with %d for the attempt.

local head = redis.call(
  'HMGET', RUN, 'state', 'finished_at', 'token', 'fence', 'attempt', 'last_event')
if not head[1] then
  return {'missing'}
elseif head[2] then
  return {'ended', head[1]}
elseif head[3] == ARGV[1] then
  -- The answer to this call was lost.
  return {'claimed', head[4]}
end

-- Greater than all before, even if the server lost the last of them.
local now = redis.call('TIME')
local fence = math.max(
  (tonumber(head[4]) or 0) + 1, now[1] * 1000 + math.floor(now[2] / 1000))
fence = string.format('%.0f', fence)
local attempt, number = head[5] + 1, head[6] + 1
redis.call('HSET', RUN, 'fence', fence, 'token', ARGV[1], 'taken', 0,
  'attempt', attempt, 'last_event', number, 'heard_at', ARGV[2])
if head[1] == 'queued' then
  redis.call('HSET', RUN, 'state', 'running', 'started_at', ARGV[2])
  add_event(number, ARGV[4])
else
  add_event(number, string.format(ARGV[5], attempt))
end
redis.call('XTRIM', EVENTS, 'MAXLEN', ARGV[3])
return {'claimed', fence}
