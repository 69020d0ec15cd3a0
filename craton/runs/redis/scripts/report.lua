-- Add events, with all that they change. The work grows with the events, not with the hosts.
-- ARGV: the fence, the number of the first report, how many there are, how many events are kept,
-- how many seconds ended runs are, the time; then of every report:
--   the event; the host, or nothing; its state, as it is kept; its task and its message, each after
--   a "=" if it is to be replaced; the batch, after "s" if it is started and "f" if it is finished;
--   the state and the time of the run's end.

local FIELDS, BEFORE = 7, 6

local head = redis.call(
  'HMGET', RUN, 'last_event', 'fence', 'taken', 'finished_at', 'region_id')
if not head[1] then
  return {'missing'}
end
local first, count = tonumber(ARGV[2]), tonumber(ARGV[3])
local number, taken = tonumber(head[1]), tonumber(head[3])
local last = first + count - 1
if head[2] ~= ARGV[1] or first > taken + 1 or (head[4] and last > taken) then
  return {'lost'}
end

local moved = {}

local function move(host, from, to)
  if from == to then
    return
  end
  moved[from] = (moved[from] or 0) - 1
  moved[to] = (moved[to] or 0) + 1
  if to == 'running' then
    redis.call('SADD', RUNNING, host)
  elseif from == 'running' then
    redis.call('SREM', RUNNING, host)
  end
end

local function change(host, state, task, message)
  local known = redis.call('HGET', STATES, host)
  local from = 'pending'
  if known then
    local final
    final, from = string.match(known, '^(%d) (%a+)')
    if final == '1' then
      return
    end
  elseif redis.call('HEXISTS', HOSTS, host) == 0 then
    return
  end
  redis.call('HSET', STATES, host, state)
  if task ~= '' then
    redis.call('HSET', TASKS, host, string.sub(task, 2))
  end
  if message ~= '' then
    redis.call('HSET', MESSAGES, host, string.sub(message, 2))
  end
  move(host, from, string.match(state, '^%d (%a+)'))
end

for index = taken + 1 - first, count - 1 do
  local at = BEFORE + index * FIELDS
  local body, host, state, task, message, batch, ending = unpack(ARGV, at + 1, at + FIELDS)
  number = number + 1
  add_event(number, body)
  if host ~= '' then
    change(host, state, task, message)
  end
  if batch ~= '' then
    redis.call(
      'SADD', string.sub(batch, 1, 1) == 's' and STARTED or FINISHED, string.sub(batch, 2))
  end
  if ending ~= '' then
    local final, time = string.match(ending, '^(%a+) (.+)')
    finish(final, time, string.sub(message, 2), ARGV[5])
    break
  end
end

for state, difference in pairs(moved) do
  redis.call('HINCRBY', RUN, state, difference)
end
redis.call(
  'HSET', RUN, 'last_event', number, 'taken', math.max(taken, last), 'heard_at', ARGV[6])
redis.call('XTRIM', EVENTS, 'MAXLEN', ARGV[4])
return {'taken', head[5]}
